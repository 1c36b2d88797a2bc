"""The whole API against a model of it: `make model`."""
