"""The lists that pages are made of, compared with what the lists of usages come to."""
