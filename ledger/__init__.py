"""The write side: what may be reported, and the facts that were."""
