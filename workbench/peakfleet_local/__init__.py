"""A local AWS for the demo and for end-to-end tests."""
