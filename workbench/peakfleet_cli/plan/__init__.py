"""`peakfleet plan`: what a synthesized app would cost, and what deploying it does to what runs.

Read `assembly` (stacks and fleets in a cdk.out folder), then `standing` (what is paid without any
demand, at the prices of `list_prices`), `changes` (what a deployment does to running capacity),
`planned` (all of it as one value) and `render` (text and Markdown). `command` asks and prints.
"""

from peakfleet_cli.plan.assembly import Stack, fleets_of, read_assembly
from peakfleet_cli.plan.command import plan
