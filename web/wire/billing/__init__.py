"""What requests say that close months."""
