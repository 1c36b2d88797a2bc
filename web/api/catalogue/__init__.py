"""Reading the catalogue: offerings, their providers, users and resources."""
