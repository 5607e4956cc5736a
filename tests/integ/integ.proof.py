"""The proof's stack, for the CDK's integ-runner.

`npx @aws-cdk/integ-runner --language python --directory tests/integ` deploys it to your account,
compares its template with a snapshot and destroys it. It sends no demand: `peakfleet prove` does,
and checks what comes of it.
"""

from peakfleet_cli.prove.app import main

main()
