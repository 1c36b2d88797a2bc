"""What read tables were at every position."""
