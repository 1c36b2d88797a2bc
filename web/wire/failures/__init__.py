"""What is told when something fails that is no mistake of the caller's."""
