"""What is told when something is refused, or fails that is no mistake of the caller's."""
