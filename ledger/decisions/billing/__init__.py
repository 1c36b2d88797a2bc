"""Decides about corrections, which change figures on purpose and in the open, and about manifests."""
