"""Forms that write, and how their pages tell what came of it."""
