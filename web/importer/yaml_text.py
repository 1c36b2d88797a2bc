"""Catalogues in YAML: made JSON text with every scalar as it is written, and then read like any other.

Nothing is constructed, so no amount becomes a binary fraction and no uuid a number: `1.10` stays `1.10`, and
32 digits stay text. `null`, `true` and `false` are what they are in YAML 1.2; `yes`, `no` and dates are text.
A scalar may have an anchor, so that a uuid is written once. Other aliases, and other tags, are refused.
"""

import re
from collections.abc import Iterator

import msgspec
import yaml

TAG = "tag:yaml.org,2002:"
COLLECTIONS = {f"{TAG}seq", f"{TAG}map"}
TEXT, NULL, BOOL, NUMBER = (f"{TAG}{kind}" for kind in ("str", "null", "bool", "float"))
PLAIN = {
    NULL: re.compile("(?:~|null|Null|NULL|)$"),
    BOOL: re.compile("(?:true|True|TRUE|false|False|FALSE)$"),
    NUMBER: re.compile("(?![0-9a-fA-F]{32}$)-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?(?:[eE][+-]?[0-9]+)?$"),
}
"""How scalars without quotes look that are no text. Numbers are written as in JSON, and not as uuids are."""


class NotYaml(Exception):
    """The text is malformed, or has something that is not read. The message says what and where."""


class Loader(yaml.CSafeLoader):
    """Parses YAML into nodes, with the tags of PLAIN where the text names no others."""


Loader.yaml_implicit_resolvers = {}
for _tag, _pattern in PLAIN.items():
    Loader.add_implicit_resolver(_tag, _pattern, None)


def json_of(text: bytes) -> bytes:
    """Return YAML as JSON. Raises NotYaml."""
    try:
        node = yaml.compose(text, Loader)
        return "".join(_json(node, set())).encode() if node else b"null"
    except yaml.MarkedYAMLError as error:
        reason = ", ".join(filter(None, (error.context, error.problem)))
        raise _not_read(reason, error.problem_mark) from None
    except yaml.YAMLError as error:
        raise NotYaml(f"YAML is malformed: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise NotYaml("YAML is nested too deeply") from None


def _json(node: yaml.Node, seen: set[int]) -> Iterator[str]:
    """Yield the parts of a node's JSON. `seen` are the collections before it: an alias would repeat them."""
    if isinstance(node, yaml.ScalarNode):
        yield _scalar(node)
        return
    if node.tag not in COLLECTIONS:
        raise _not_read(f"the tag {node.tag} is not read", node.start_mark)
    if id(node) in seen:
        raise _not_read("an alias of a list or mapping is not read", node.start_mark)
    seen.add(id(node))
    brackets, between = "{}" if isinstance(node, yaml.MappingNode) else "[]", ""
    yield brackets[0]
    for each in node.value:
        yield between
        if isinstance(each, tuple):
            key, each = each
            if not isinstance(key, yaml.ScalarNode):
                raise _not_read("a list or mapping is no key", key.start_mark)
            yield f"{_text(key.value)}:"
        yield from _json(each, seen)
        between = ","
    yield brackets[1]


def _scalar(node: yaml.ScalarNode) -> str:
    if node.tag == TEXT:
        return _text(node.value)
    if node.tag not in PLAIN or not PLAIN[node.tag].match(node.value):
        raise _not_read(f"the tag {node.tag} is not read", node.start_mark)
    value: str = node.value
    return {NULL: "null", BOOL: value.lower(), NUMBER: value}[node.tag]


def _text(value: str) -> str:
    return msgspec.json.encode(value).decode()


def _not_read(reason: str, mark: yaml.Mark | None) -> NotYaml:
    where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
    return NotYaml(f"YAML is malformed: {reason}{where}")
