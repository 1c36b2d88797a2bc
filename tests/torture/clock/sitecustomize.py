"""Steps the ledger's clock by as many seconds as the file has that TORTURE_CLOCK names."""

import os
from datetime import datetime, timedelta
from pathlib import Path

import web

if name := os.environ.get("TORTURE_CLOCK"):
    _file, _right = Path(name), web.utc_now

    def _stepped() -> datetime:
        return _right() + timedelta(seconds=int(_file.read_text()))

    web.utc_now = _stepped  # for commands
    # The application has taken the right one already, as its default.
    web.create_app.__kwdefaults__ = {**(web.create_app.__kwdefaults__ or {}), "clock": _stepped}
