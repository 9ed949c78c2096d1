"""A second, naive reading of the law of the numbers: whole batches, plain loops, nothing shared with the service."""
