"""Load: more clients than a service has room for, slow ones among them, and the same for an hour.

`make crowd` takes about three minutes, `make soak` an hour (MINUTES=60). Both end with an error that names
what did not hold: a request that waited beyond `LONGEST_SECONDS`, a 503 that does not say when to come again,
an answer that nobody expected, an acknowledged report that is not shown, memory, files or connections that
stay, or read models that do not follow from the journal.

| file | has |
|---|---|
| `clients.py` | who reports, reads, and is slow, many of them in one process |
| `watching.py` | what the service and its database take: memory, files, connections, rows that are dead |
| `running.py` | the service with its catalogue, and what has to hold in the end |
| `crowd.py` | the phases of a crowd, each followed by calm |
| `soak.py` | an hour of what agents and readers do |
| `corrections.py` | corrections of 10,000 figures beside reports, in a minute or two |
"""
