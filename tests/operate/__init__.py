"""What operators do with a service that runs."""
