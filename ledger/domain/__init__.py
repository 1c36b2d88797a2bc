"""The words that everything else is said in: the catalogue, people, months and reports."""
