"""The Merkle tree over the journal: its rows, the signed checkpoints of it, and who signs them.

The hashing is in `ledger/proof/`, which knows no database. Only the growth of the tree is written twice, here
in SQL, so that whoever appends hashes, and nobody can forget to.
"""
