"""Torture: a real service on a real PostgreSQL, broken again and again, and checked for what it acknowledged.

`make torture-short` takes about two minutes, and prints the seed that its choices follow from. Clients report
and read all the while, each in a month of its own. Whatever was acknowledged has to be shown until the client
itself says otherwise, unless the database lost it: a promotion of a replica that is behind, or a backup that
is put back. Then anything that was ever sent may be shown, but it has to follow from the journal.

| file | has |
|---|---|
| `clusters.py` | PostgreSQL servers: a primary and its replica, killed and promoted |
| `service.py` | the service, its processes, and what it answers |
| `clients.py` | who reports and reads, and knows what has to be shown |
| `faults.py` | what can go wrong, one function each |
"""
