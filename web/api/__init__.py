"""The endpoints: one module for each address below `/api/`."""
