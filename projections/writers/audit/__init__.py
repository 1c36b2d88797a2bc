"""Read models of what operators do for auditors."""
