"""The floors over HTTP: the least that the same server, workers and settings can do.

Run as `python -m tests.benchmarks.floors DATABASE_URL PORT`.
"""

import sys
from uuid import uuid4

import psycopg
from flask import Flask, Response, request
from psycopg_pool import ConnectionPool

from web.limits.admission import PLACES, admitting
from web.runtime.server import bound, serve

WORKERS = 2
"""Processes of either server."""

# The answers are stored as they are: unpacking what PostgreSQL has compressed is not the least.
CREATE = """
CREATE TABLE IF NOT EXISTS written (uuid uuid PRIMARY KEY, body bytea NOT NULL);
CREATE TABLE IF NOT EXISTS answer (name text PRIMARY KEY, body bytea NOT NULL);
ALTER TABLE answer ALTER COLUMN body SET STORAGE EXTERNAL;
"""

INSERT = "INSERT INTO written (uuid, body) VALUES (%(uuid)s, %(body)s)"
SELECT = "SELECT body FROM answer WHERE name = %(name)s"
KEEP = """
INSERT INTO answer (name, body) VALUES (%(name)s, %(body)s)
ON CONFLICT (name) DO UPDATE SET body = EXCLUDED.body"""


def create(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(CREATE)


def keep(url: str, name: str, body: bytes) -> str:
    """Keeps an answer of the ledger's, to be read by its name. Returns the path."""
    with psycopg.connect(url) as connection:
        connection.execute(KEEP, {"name": name, "body": body})
    return f"/read/{name}"


def app_on(url: str) -> Flask:
    """The floors on a database, with as many connections in each worker as the ledger has."""
    app = Flask(__name__, static_folder=None)
    pool = ConnectionPool(url, min_size=1, max_size=PLACES + 2, kwargs={"autocommit": True}, open=True)

    @app.get("/empty")
    def empty() -> Response:
        return Response()

    @app.post("/write")
    def write() -> Response:
        with pool.connection() as connection:
            connection.execute(INSERT, {"uuid": uuid4(), "body": request.get_data()})
        return Response(status=201)

    @app.get("/read/<name>")
    def read(name: str) -> Response:
        with pool.connection() as connection:
            row = connection.execute(SELECT, {"name": name}, binary=True).fetchone()
        assert row is not None, "the suite keeps an answer before it reads it"
        return Response(row[0], content_type="application/json")

    return app


def main(url: str, port: int) -> None:
    serve(lambda places: admitting(app_on(url), places), bound("127.0.0.1", port), WORKERS, lambda: None)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
