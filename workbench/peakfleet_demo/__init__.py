"""What an engineer sees without an AWS account: the demo and the fault scenarios.

`demo` deploys the reference app to a local AWS and replays a peak; `scenarios` deploys small
fleets and breaks something under them. Both run the Lambda code as deployed. Read
`options` (what a user asks; imports nothing heavy), then `demo`, then `scenarios`, which uses the
screens and reports of `demo`. Only the command line imports this package.
"""
