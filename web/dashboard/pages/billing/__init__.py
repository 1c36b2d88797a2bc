"""Pages of what people vouch for: months that are closed, and corrections."""
