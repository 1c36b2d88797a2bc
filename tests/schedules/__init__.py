"""Threads that are stepped: what may happen between any two lines of what they share."""
