"""The names of all documented fields: those of each level, and all together."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final, Literal, TypeAlias

from reconciler import schemas

Level: TypeAlias = Literal["manifest", "exam", "configuration"]
"""Where a field stands: at the top of a file, in an exam, or in the configuration of an exam."""

_WORDS: Final = frozenset({"endTime", "examDeliverySystemModule", "timeType", "url", "virtualCalculatorType"})
"""Text fields that hold one word: what follows it is a comment."""


@cache
def documented_fields() -> dict[str, Any]:
    """Return the names and types of all fields of manifests and of the workspace file."""
    return dict(field for schema in ("manifest", "workspace") for field in _within(schemas.load(schema)))


@cache
def fields_of(level: Level) -> frozenset[str]:
    """Return the names of the fields that stand at `level`."""
    schema = schemas.load("manifest")
    return frozenset((schema if level == "manifest" else schema["definitions"][level])["properties"])


@cache
def top_fields() -> frozenset[str]:
    """Return the names of the fields at the top of a manifest or of the workspace file."""
    return fields_of("manifest").union(schemas.load("workspace")["properties"])


@cache
def free_text_fields() -> frozenset[str]:
    """Return the names of the fields of an exam, and of lifecycle blocks, that take several words."""
    return frozenset({"reason", *_texts_of(schemas.load("create-exam"))}) - _WORDS


def _texts_of(schema: dict[str, Any]) -> Iterator[str]:
    for name, inner in schema.get("properties", {}).items():
        if "string" in inner.get("type", ()) and inner.keys().isdisjoint({"enum", "pattern"}):
            yield name
        yield from _texts_of(inner.get("items", inner))


def _within(schema: object) -> Iterator[tuple[str, Any]]:
    """Yield the name and type of each property anywhere in `schema`; an empty type if it has none."""
    inner: Iterable[object] = schema if isinstance(schema, list) else ()
    if isinstance(schema, dict):
        properties = schema.get("properties", {})
        yield from ((name, each.get("type", "")) for name, each in properties.items())
        inner = schema.values()
    for each in inner:
        yield from _within(each)
