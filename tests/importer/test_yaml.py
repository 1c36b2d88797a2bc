"""Catalogues in YAML: read as the same in JSON is, with every digit."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml

from ledger.events import CategoryDescribed, ComponentDescribed, UsageReported
from tests.importer.files import USAGE, counts
from tests.world import CATALOGUE, CPU, OFFERING, World, uid
from web.importer.importer import Summary, import_lists
from web.importer.reading import StructureError, read_lists
from web.importer.yaml_text import json_of


def import_yaml(world: World, folder: Path, text: str) -> Summary:
    path = folder / "catalogue.yaml"
    path.write_text(text)
    return import_lists(read_lists(path)[0], world.services)


def test_a_catalogue_is_the_same_in_yaml_and_in_json(world: World, tmp_path: Path) -> None:
    text = yaml.safe_dump(CATALOGUE)  # quotes what it has to: that is YAML as other programs write it
    summary = import_yaml(world, tmp_path, text)
    assert counts(summary) == {name: {"unchanged": len(CATALOGUE[name])} for name in CATALOGUE}


@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".YML"])
def test_yaml_is_told_by_the_name_of_the_file(world: World, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"catalogue{suffix}"
    path.write_text("categories:\n- {uuid: 000000000000000000000000000000cb, title: New}\n")
    assert counts(import_lists(read_lists(path)[0], world.services)) == {"categories": {"new": 1}}


def test_amounts_keep_all_of_their_digits(world: World, tmp_path: Path) -> None:
    component = f"""
      offering_components:
      - {{uuid: {CPU}, offering_uuid: {OFFERING}, type: cpu, name: CPU, measured_unit: hours,
          limit_amount: 123456789012345678.01, unit_factor: 0.1}}
      component_usages:
      - {json.dumps(USAGE | {"usage": None}).replace('"usage": null', "usage: 1.10")}"""
    import_yaml(world, tmp_path, component)
    described = world.facts(ComponentDescribed)[-1].entity
    assert described.limit_amount == Decimal("123456789012345678.01")
    assert described.unit_factor == Decimal("0.1")
    assert [str(fact.amount) for fact in world.facts(UsageReported)] == ["1.10"]


@pytest.mark.parametrize(
    "written",
    [
        "00000000000000000000000000000701",
        "12345678901234567890123456789012",
        "12345e78901234567890123456789012",
        "1234567E901234567890123456789012",
        "00000000-0000-4000-8000-000000000701",
        "12345678-1234-1234-1234-123456789012",
    ],
)
def test_a_uuid_of_digits_is_no_number(world: World, tmp_path: Path, written: str) -> None:
    import_yaml(world, tmp_path, f"categories:\n- uuid: {written}\n  title: New\n")
    assert world.facts(CategoryDescribed)[-1].entity.uuid == UUID(written)


@pytest.mark.parametrize(
    ("scalar", "read"),
    [
        *((word, None) for word in ("", "~", "null", "Null", "NULL")),
        *((word, True) for word in ("true", "True", "TRUE")),
        *((word, False) for word in ("false", "False", "FALSE")),
        *(
            (word, word)
            for word in ("yes", "no", "on", "off", "y", "nUll", "2026-05-01", "12:30", "a b", "<<")
        ),
        *(
            (word, word)
            for word in ("007", "0x1F", "0o7", "1_000", "+1", ".5", "5.", ".inf", ".nan", "1.2.3")
        ),
        *((f'"{word}"', word) for word in ("true", "null", "5", "")),
        *((f"'{word}'", word) for word in ("true", "null", "5", "")),
        *((word, float(word)) for word in ("1.5", "-1.5e+3", "1E3")),
        *((word, int(word)) for word in ("0", "-5", "12345678901234567890")),
        ("!!str 5", "5"),
        ("Größe ☃", "Größe ☃"),
        ('"\\u2028\\t\\""', '\u2028\t"'),
        ("|\n  two\n  lines\n", "two\nlines\n"),
    ],
)
def test_a_scalar_is_what_it_is_in_yaml_1_2(scalar: str, read: Any) -> None:
    assert json.loads(json_of(f"a: {scalar}\n".encode())) == {"a": read}


def test_a_uuid_is_written_once_and_named_by_its_anchor(world: World, tmp_path: Path) -> None:
    text = """
      customers: [{uuid: &lab 00000000-0000-0000-0000-00000000c00c, name: Lab}]
      projects: [{uuid: 0000000000000000000000000000a00a, name: Ice, customer_uuid: *lab}]"""
    summary = import_yaml(world, tmp_path, text)
    assert counts(summary) == {"customers": {"new": 1}, "projects": {"new": 1}}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [\n", "while parsing a flow node, did not find expected node content (line 2, column 1)"),
        ("a: b: c", "mapping values are not allowed in this context (line 1, column 5)"),
        (
            "a: 1\n---\nb: 2",
            "expected a single document in the stream, but found another document (line 2, column 1)",
        ),
        ("a: *x", "found undefined alias (line 1, column 4)"),
        ("a: &x [1]\nb: *x", "an alias of a list or mapping is not read (line 1, column 4)"),
        ("a: &x {b: *x}", "an alias of a list or mapping is not read (line 1, column 4)"),
        ("[1]: 2", "a list or mapping is no key (line 1, column 1)"),
        ("a: !!set {b}", "the tag tag:yaml.org,2002:set is not read (line 1, column 4)"),
        ("a: !!int 5", "the tag tag:yaml.org,2002:int is not read (line 1, column 4)"),
        ("a: !!float five", "the tag tag:yaml.org,2002:float is not read (line 1, column 4)"),
        (
            "a: !!python/name:os.system",
            "the tag tag:yaml.org,2002:python/name:os.system is not read (line 1, column 4)",
        ),
        (
            "a: \x01",
            "unacceptable character #x0001: control characters are not allowed "
            'in "<byte string>", position 3',
        ),
        ("[" * 9_999, "while increasing flow level, exceeded maximum nesting depth (line 1, column 1001)"),
    ],
)
def test_what_is_no_yaml_or_not_read_is_refused_with_its_line(
    world: World, tmp_path: Path, text: str, told: str
) -> None:
    before = world.facts()
    with pytest.raises(StructureError) as refused:
        import_yaml(world, tmp_path, text)
    assert str(refused.value) == f"{tmp_path}/catalogue.yaml: YAML is malformed: {told}"
    assert world.facts() == before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "{path}: Expected `object`, got `null`"),
        ("- a", "{path}: Expected `object`, got `array`"),
        ("[" * 999 + "]" * 999, "{path}: YAML is nested too deeply"),
        ("customers: 5", "customers = 5: Is not a list of objects"),
        ("customers: []\ncustomers: []", "{path}: customers is there 2 times"),
        ("customers: [{uuid: 7, name: x}]", "customers[0].uuid = 7: Expected `uuid`, got `int`"),
        (f"customers: [{{uuid: {uid(9)}, name: 5}}]", "customers[0].name = 5: Expected `str`, got `int`"),
        (f"users: [{{uuid: {uid(9)}, username: x, is_staff: yes}}]",
         'users[0].is_staff = "yes": Expected `bool`, got `str`'),
        (f"customers: [{{uuid: {uid(9)}, name: x, name: y}}]", "customers[0].name: Is there 2 times"),
        (f'customers: [{{uuid: {uid(9)}, name: "a\\0"}}]',
         'customers[0].name = "a\\u0000": Has a null character, '
         "which no database text can hold"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_as_of_json(world: World, tmp_path: Path, text: str, told: str) -> None:
    before = world.facts()
    with pytest.raises(StructureError) as refused:
        import_yaml(world, tmp_path, text)
    assert str(refused.value) == told.format(path=tmp_path / "catalogue.yaml")
    assert world.facts() == before
