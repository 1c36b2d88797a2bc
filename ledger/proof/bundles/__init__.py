"""Audit bundles: how they are written, and what is checked of them."""
