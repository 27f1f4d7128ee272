"""Patterns of the manifest's schema are for editors: they refuse nothing that the product reads.

An exam whose date or file a pattern alone refused would be left out without a word, because what is wrong
with these is said elsewhere.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from reconciler import schemas
from reconciler.manifest.exam.dates import BadDateTime, normalized
from reconciler.manifest.exam.passwords import secret_of
from reconciler.manifest.yaml.nodes import YamlMapping
from reconciler.model.secrets import FileSecret
from reconciler.zones import zone_of

DATE_TIME = schemas.load("manifest")["definitions"]["dateTime"]["pattern"]


def patterns_of_files() -> Iterator[str]:
    """The pattern of each `fromFile` in the schema."""
    for definition in properties_of(schemas.load("manifest")):
        if definition[0] == "fromFile":
            yield definition[1]["pattern"]


def properties_of(schema: Any) -> Iterator[tuple[str, Any]]:
    """Every property of `schema` and of what is in it, with its name."""
    if isinstance(schema, list):
        for part in schema:
            yield from properties_of(part)
    elif isinstance(schema, dict):
        for name, part in schema.get("properties", {}).items():
            yield name, part
        for part in schema.values():
            yield from properties_of(part)


written = st.from_regex(
    r"[0-9]{4}-(0[0-9]|1[0-3])-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9](:[0-6][0-9](\.[0-9]{1,9})?)?"
    r"( ?([Zz]|[+-][0-2][0-9]:[0-6][0-9]))?",
    fullmatch=True,
)


@given(written)
@example("2026-10-12t09:00:00.120000000 z")
@example("9999-12-31 23:59")
def test_every_date_that_is_read_fits_its_pattern(text: str) -> None:
    """Also with spaces, small letters, fractions and offsets."""
    try:
        normalized(text, zone_of("America/New_York"))
    except BadDateTime:
        return
    assert re.search(DATE_TIME, text)


@given(st.text("ab./\\ é…:*", min_size=1, max_size=12))
@example("..a/b..c/...")
def test_every_file_that_is_read_fits_its_pattern(path: str) -> None:
    """A name may hold dots, spaces and letters of any alphabet."""
    reference = YamlMapping()
    reference["fromFile"] = path
    assume(isinstance(secret_of(reference), FileSecret))
    patterns = list(patterns_of_files())
    assert patterns
    assert all(re.search(pattern, path) for pattern in patterns)


@pytest.mark.parametrize("name", ["manifest", "workspace", "create-exam"])
def test_every_property_is_described(name: str) -> None:
    """An editor has something to show over each key."""
    document = schemas.load(name)
    described = document.get("definitions", {}) | document.get("$defs", {})

    def is_described(part: Any) -> bool:
        if isinstance(part, bool) or "const" in part:
            return True
        target = described.get(str(part.get("$ref", "")).rpartition("/")[2], {})
        return bool(part.get("description") or target.get("description"))

    assert [key for key, part in properties_of(document) if not is_described(part)] == []


@pytest.mark.parametrize("name", ["manifest", "workspace"])
def test_texts_are_the_same_with_and_without_markdown(name: str) -> None:
    """Code is marked in `markdownDescription`, and quoted in `description`, for editors without Markdown.

    A text beside a reference hides both texts of what it refers to, so it has both too.
    """
    document = schemas.load(name)
    for key, part in properties_of(document):
        target = document["definitions"].get(str(part.get("$ref", "")).rpartition("/")[2], {})
        text = part.get("description") or target["description"]
        own = part if "description" in part else target
        marked = own.get("markdownDescription", text)
        assert "`" not in text, key
        assert text == marked.replace("`", "'"), key
        assert "markdownDescription" in own or "markdownDescription" not in target, key
