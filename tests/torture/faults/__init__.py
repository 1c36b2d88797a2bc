"""What can go wrong: each fault breaks something, and mends what would not mend itself.

| file | breaks |
|---|---|
| `processes.py` | workers, the service, its clock |
| `connections.py` | connections, wires and sessions of the database, and what they may take |
| `database.py` | PostgreSQL itself, its disk and its primary |
| `losses.py` | history: replicas that are behind, backups that are put back |
| `upkeep.py` | nothing, if all is well: commands of operators beside it |
| `clients.py` | manners |
"""
