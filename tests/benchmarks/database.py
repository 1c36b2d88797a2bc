"""Figures that a database is asked for, beside the server that is measured."""

import psycopg

SELECT_HEAD = "SELECT coalesce(max(notification_id), 0) FROM journal.ledger_events"
COUNT_FACTS = "SELECT count(*) FROM journal.ledger_events WHERE notification_id > %(head)s"
COUNT_USAGES = "SELECT count(*) FROM read_models.component_usage"
SELECT_POSITION = "SELECT position FROM read_models.read_position"


def figure(url: str, statement: str, **parameters: int) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(statement.encode(), parameters).fetchone()
    assert row is not None
    return int(row[0])


def head_of(url: str) -> int:
    """The position of the last fact."""
    return figure(url, SELECT_HEAD)


def facts_after(url: str, head: int = 0) -> int:
    """How many facts the journal has got since."""
    return figure(url, COUNT_FACTS, head=head)


def is_shown(url: str, before: int) -> bool:
    """Whether the read models reflect facts after a position, and all there are."""
    head = head_of(url)
    return before < head == figure(url, SELECT_POSITION)
