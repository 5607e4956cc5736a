"""Programs that run on the fleets' instances: Amazon Linux 2023, Python 3.9, boto3, no internet."""
