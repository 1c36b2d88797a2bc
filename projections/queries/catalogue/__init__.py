"""The lists of the catalogue: what there is to report about, who provides it, and to whom.

Rows are found by an index in their order. What else a row shows is looked up for the rows of a page only, and
only where it is asked for.
"""
