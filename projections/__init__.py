"""The read side: tables that can be dropped and rebuilt from the journal at any time.

It knows the events and the values of the ledger (`ledger/domain/`), so that decisions are made on typed
values. It knows nothing that acts.
"""
