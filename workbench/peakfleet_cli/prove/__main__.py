"""What the CDK CLI runs as the proof's app."""

from peakfleet_cli.prove.app import main

main()
