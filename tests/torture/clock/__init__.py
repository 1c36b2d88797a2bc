"""A clock that can be stepped, for processes that have this folder in PYTHONPATH.

The clock of a machine can't be stepped under one process, and libfaketime breaks `time.sleep` of Python 3.11
even where it is told to leave the monotonic clock alone. So the one function is replaced that all of the
ledger's times come from. PostgreSQL's clock stays; nothing of the ledger is decided by it.
"""
