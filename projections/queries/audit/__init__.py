"""What auditors ask of the journal."""
