"""Backups: the journal in one file, with what it has to be once it is restored.

A backup is a tar archive, as `tar` reads it, so that nobody needs this program to get at their facts:

| member | what it is |
|---|---|
| `manifest.json` | the ledger's id and name, position, facts, root hash, versions, time |
| `journal.dump` | the schema `journal`, as `pg_dump --format=custom` writes it |
| `checkpoint` | these facts, signed; only where the ledger has a key |
| `SHA256SUMS` | of all others, as `sha256sum --check` reads it; a file without it was cut off |

Position, facts and root hash are read in the very snapshot that is dumped. The dump is streamed into the
archive: its member's head, which has its size, is written when it is over. Price: FILE has to be a file that
can be sought in, no pipe.

Read models are left out, as they follow from the journal; so are sessions of the dashboard.
"""


class BackupError(Exception):
    """A backup can't be made or restored; the message is one line for the person who wants it."""
