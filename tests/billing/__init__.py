"""What people vouch for: months that are closed."""
