"""Endpoints of what pages show: what there is to see, and its usage by month, added up."""
