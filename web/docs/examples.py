"""Real answers of the service to its demo catalogue, as `python -m tests.docs.examples` has recorded them."""

from importlib.resources import files
from typing import Any

import orjson

EXAMPLES: dict[str, Any] = orjson.loads(files("web.docs").joinpath("examples.json").read_bytes())
"""Of parameters by their names, of answers by method and path, and of errors by status."""
