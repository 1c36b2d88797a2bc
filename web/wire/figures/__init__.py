"""What the lists take that pages are made of."""
