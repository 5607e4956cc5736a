"""`peakfleet demo`: a local AWS, the real CDK CLI, a recorded peak."""
