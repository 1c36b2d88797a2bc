"""From rows to answers: a module for each list of the API, and their common parts."""
