"""What makes the endpoints quick, and nothing else. Read it last: without it they would answer the same."""
