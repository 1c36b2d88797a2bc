"""Tests of what auditors are told."""
