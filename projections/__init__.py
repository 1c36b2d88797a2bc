"""The read side: tables that can be dropped and rebuilt from the journal at any time."""
