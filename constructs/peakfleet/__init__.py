"""AWS CDK constructs for fleets that take over the demand above your own baseline."""
