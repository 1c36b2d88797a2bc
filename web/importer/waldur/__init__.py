"""Imports catalogue and usage history out of a live Waldur, with Waldur's own client.

`source.py` asks, `catalogue.py` and `usages.py` write the answers as lists of the structure format, and
`pull.py` gives those to the importer of files: what is valid is said once. Only GETs are sent. Nothing is
remembered between two runs: what is known is told by its content.
"""
