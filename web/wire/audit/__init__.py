"""What auditors send: the parameters of their endpoints."""
