"""Sends files of reports to a running service, and goes on where it was interrupted."""
