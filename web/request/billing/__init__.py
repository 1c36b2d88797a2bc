"""What people vouch for, for requests and for commands."""
