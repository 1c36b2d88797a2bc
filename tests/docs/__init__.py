"""The description of the API, its examples, and whether the service keeps to it."""
