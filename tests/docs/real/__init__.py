"""Much that nobody thought of is asked of the running service: `make test-schema`."""
