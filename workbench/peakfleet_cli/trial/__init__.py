"""`peakfleet simulate` and `compare`: demand replayed under several policies.

Read `commands` (the two commands), `options` (their options), `request` (what was asked for, as
values), `trial` (what is replayed), `run` (progress, tables) and `files` (series, figures, report,
picture). Only `commands`, `options` and `request` load without numpy and scipy, for a quick
`--help`.
"""

from peakfleet_cli.trial.commands import compare, simulate
