"""Pure functions from what is known to the facts that follow. Nothing here reads or writes."""
