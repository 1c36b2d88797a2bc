"""Endpoints of figures over all resources, for staff and support, and of an offering's for its provider."""
