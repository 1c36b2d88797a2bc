"""Read models that auditors ask for."""
