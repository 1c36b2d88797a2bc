"""What read tables were at every position of the journal, and how the statements of today read it."""
