"""Processes: the configuration, the server, its workers and what watches over them."""
