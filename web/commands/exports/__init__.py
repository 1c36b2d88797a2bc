"""Lists as files, from the command line."""
