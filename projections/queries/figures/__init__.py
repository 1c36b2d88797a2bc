"""The lists that pages are made of: what there is to see, and its figures by month, added up for a chart."""
