"""Signs checkpoints of fewer facts than the newest one covers, for what is handed out as of a position.

They say nothing new: it is proven first that the newest one begins with the same facts.
"""

from datetime import datetime

from psycopg import Connection
from psycopg.rows import DictRow

from ledger.errors import SigningRefused
from ledger.journal.tree.checkpoints import Kept, keep, of_size
from ledger.journal.tree.reading import Tree
from ledger.journal.tree.signing import LOCK_SIGNING
from ledger.proof import Unproven
from ledger.proof.checking import check_consistency
from ledger.proof.checkpoints import Checkpoint
from ledger.proof.merkle import consistency_proof, root
from ledger.proof.notes import Signer, read_note, sign

SELECT_LAST = """
SELECT coalesce(max(notification_id), 0) AS last FROM journal.ledger_events
WHERE notification_id <= %(position)s"""


def checkpoint_up_to(
    connection: Connection[DictRow], position: int, newest: Kept, signer: Signer, now: datetime
) -> Kept:
    """Return the checkpoint of the facts up to a position, which is signed and kept unless there is one.

    `newest` covers that position, and `signer` has the key in force. Raises SigningRefused, TreeDamaged.
    """
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(LOCK_SIGNING)
        row = cursor.execute(SELECT_LAST, {"position": position}).fetchone()
        assert row
        tree, last = Tree(cursor), row["last"]
        size = tree.leaves([last])[last] + 1 if last else 0
        if kept := of_size(cursor, size):
            return kept
        checkpoint = Checkpoint(signer.name, size, root(size, tree.read))
        whole = Checkpoint.parse(read_note(newest.note)[0])
        proof = consistency_proof(size, whole.size, tree.read)
        try:
            check_consistency(size, checkpoint.root, whole.size, whole.root, proof)
        except Unproven as error:
            raise SigningRefused(f"The tree of {size} facts can't be signed: {error}.") from error
        kept = Kept(size, last, sign(checkpoint.text, signer), now)
        keep(cursor, kept)
        return kept
