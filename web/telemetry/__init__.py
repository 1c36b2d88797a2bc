"""What the service tells of itself: metrics, a line for each request, and traces."""
