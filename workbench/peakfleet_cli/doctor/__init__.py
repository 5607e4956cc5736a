"""`peakfleet doctor`: what this machine and this account still lack, each with its fix.

Read `finding`, then the checks: `machine` (Node, the CDK CLI), `account_checks` (who one is, what
one may, whether the region is bootstrapped), `capacity` (quotas, offered types, images), `metrics`
(signals and baseline). `command` asks and prints.
"""

from peakfleet_cli.doctor.command import doctor
