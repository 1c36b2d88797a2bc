"""Tests of people: whom facts name, and how a name is forgotten."""
