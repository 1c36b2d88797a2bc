"""From rows to answers: one module for each list that the API shows."""
