"""`peakfleet prices`: what instances cost, and from when.

`price_commands` refreshes the price file and shows it; `aws_prices` asks the AWS Price List and
EC2's history of Spot prices.
"""

from peakfleet_cli.prices.price_commands import prices
