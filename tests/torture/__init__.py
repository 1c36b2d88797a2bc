"""Torture: a real service on a real PostgreSQL, broken again and again, and checked for what it acknowledged.

What is done and checked, and what was found: `README.md`.

| file | has |
|---|---|
| `clusters.py` | PostgreSQL servers: primaries, replicas, and their disks |
| `service.py` | the service, its processes, its commands, and what it answers |
| `agents.py`, `readers.py` | who uses it |
| `records.py` | what they know, and what they need not know any more |
| `target.py` | all of that together |
| `faults/` | what can go wrong, one function each |
| `rounds.py` | which of it goes wrong when |
| `checker.py` | what has to be true after each round |
| `counts.py` | what was broken in all runs |
"""
