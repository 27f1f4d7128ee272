"""The names of all documented fields, for what looks at a text before it could be parsed."""

from collections.abc import Collection, Iterable, Iterator
from functools import cache
from typing import Any, Literal

from reconciler import schemas


@cache
def documented_fields() -> dict[str, Any]:
    """Return the names and types of all fields of manifests and of the workspace file."""
    return dict(field for schema in ("manifest", "workspace") for field in _within(schemas.load(schema)))


def fields_within(block: Literal["exam", "configuration"]) -> Collection[str]:
    """Return the names of the fields of an exam, or of its configuration."""
    properties: dict[str, Any] = schemas.load("manifest")["definitions"][block]["properties"]
    return properties


def _within(schema: object) -> Iterator[tuple[str, Any]]:
    """Yield the name and type of each property anywhere in `schema`; an empty type if it has none."""
    inner: Iterable[object] = schema if isinstance(schema, list) else ()
    if isinstance(schema, dict):
        properties = schema.get("properties", {})
        yield from ((name, each.get("type", "")) for name, each in properties.items())
        inner = schema.values()
    for each in inner:
        yield from _within(each)
