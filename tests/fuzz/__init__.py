"""Every parser of outside input, and anything for it: `make fuzz`."""
