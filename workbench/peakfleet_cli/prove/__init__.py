"""`peakfleet prove`: a tiny fleet on the user's own account, for what only AWS can tell.

Read `facts` (what is to be confirmed, and what was found), `names` and `app` (the fleet, which the
CDK CLI deploys), `site` (the deployed fleet, and the passing of time), `course` (the checks, in
order) and `budget` (the most that it may cost). `command` deploys, runs the course and removes
everything.
"""

from peakfleet_cli.prove.command import prove
