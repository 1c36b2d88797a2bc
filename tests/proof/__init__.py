"""Tests of the proof that nobody rewrote the journal."""
