"""The fields of manifests and of the workspace file, as their JSON Schemas describe them."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, TypeAlias

from msgspec import Struct

from reconciler import schemas

Schema: TypeAlias = Mapping[str, Any]

_COURSE: Final = ("course", "courseSid")
EXAM: Final = "an exam, `defaults` or a profile"
_OF_EXAMS: Final = frozenset({"exams", "defaults", "profiles", "sections"})
"""Keys that hold exams; the fields of an exam are listed once, on their own."""


class Field(Struct, frozen=True, kw_only=True):
    """A field: its keys from the outermost one, where it is written, and its schema."""

    path: tuple[str, ...]
    place: str
    schema: Schema
    requirement: str

    @property
    def name(self) -> str:
        """The path with dots."""
        return ".".join(self.path)


@cache
def all_fields() -> tuple[Field, ...]:
    """Return every field: of an exam, then of a manifest, then of the workspace file."""
    manifest, workspace = schemas.load("manifest"), schemas.load("workspace")
    exam = manifest["definitions"]["exam"]
    return (
        *_fields(exam, manifest, EXAM),
        *_fields(manifest, manifest, "a manifest, at the top"),
        *_fields(workspace, workspace, "reconciler.yaml"),
    )


def markdown_of(field: Field) -> str:
    """Return the description of `field`, in Markdown."""
    facts = (("stands in", field.place), *facts_of(field))
    return "\n".join(
        [f"# {field.name}", "", meaning_of(field), "", *(f"- {label}: {text}" for label, text in facts), ""]
    )


def meaning_of(field: Field) -> str:
    """Return what `field` is for, in Markdown."""
    text: str = field.schema.get("markdownDescription", field.schema["description"])
    return text


def facts_of(field: Field) -> Iterator[tuple[str, str]]:
    """Yield what else is known of `field`, each with its label: the value first, then limits and examples."""
    schema = field.schema
    yield "value", _value(schema)
    yield "required", field.requirement
    if "enum" in schema:
        yield "allowed", ", ".join(f"`{_yaml(each)}`" for each in schema["enum"])
    if "const" in schema:
        yield "allowed", f"`{_yaml(schema['const'])}`"
    if "pattern" in schema:
        yield "form", schema["patternErrorMessage"]
    if "minimum" in schema:
        yield "at least", f"`{schema['minimum']}`"
    if "default" in (documented := {**_documented(field), **schema}):
        yield "default", f"`{_yaml(documented['default'])}`"
    yield from (("example", f"`{field.path[-1]}: {_yaml(each)}`") for each in schema.get("examples", ()))


def _documented(field: Field) -> Schema:
    """Return the documented schema of a field of an exam, which alone holds the service's defaults.

    From the schema of manifests, editors would write the defaults into every file.
    """
    part = schemas.load("create-exam") if field.place == EXAM else {}
    for key in field.path:
        part = part.get("properties", {}).get(key, {})
    return part


def _fields(schema: Schema, root: Schema, place: str, above: tuple[str, ...] = ()) -> Iterator[Field]:
    """Yield the fields of `schema`, each followed by those within it."""
    for name, part in schema.get("properties", {}).items():
        path = (*above, name)
        resolved = _resolved(part, root)
        yield Field(
            path=path,
            place=place,
            schema=resolved,
            requirement=_requirement(path, schema, place),
        )
        if not above and name in _OF_EXAMS:
            continue
        for inner in _insides(resolved):
            yield from _fields(_resolved(inner, root), root, place, path)


def _insides(schema: Schema) -> Iterator[Schema]:
    """Yield the schemas of the mappings that a value of `schema` is or holds."""
    yield schema
    yield from schema.get("oneOf", ())
    for keyword in ("then", "items", "additionalProperties"):
        if isinstance(schema.get(keyword), Mapping):
            yield schema[keyword]


def _resolved(schema: Schema, root: Schema) -> Schema:
    """Return `schema` with its references resolved; its own keys win."""
    found: dict[str, Any] = dict(schema)
    for part in (schema, *schema.get("allOf", ())):
        if "$ref" in part:
            found = {**_resolved(root["definitions"][part["$ref"].rpartition("/")[2]], root), **found}
    return found


def _requirement(path: tuple[str, ...], schema: Schema, place: str) -> str:
    if place == EXAM and len(path) == 1:
        if path[0] in _COURSE:
            return "one of `course` and `courseSid`"
        if path[0] in schemas.load("create-exam")["required"]:
            return "yes, in the exam, a profile or `defaults`"
    return "yes" if path[-1] in schema.get("required", ()) else "no"


def _value(schema: Schema) -> str:
    """Return in words which values `schema` accepts."""
    if "oneOf" in schema:
        return " or ".join(_choice(choice) for choice in schema["oneOf"])
    if "then" in schema:
        return "text or a mapping"
    names = schema.get("type", ())
    words = [schemas.TYPE_WORDS[name] for name in ([names] if isinstance(names, str) else names)]
    if "items" in schema:
        kind = schemas.TYPE_WORDS.get(schema["items"].get("type", "object"), "a mapping").removeprefix("a ")
        return f"a list, each item {'' if kind == 'text' else 'a '}{kind}"
    return " or ".join(words) or "a number"


def _choice(schema: Schema) -> str:
    keys = "".join(f" with `{key}`" for key in schema.get("required", ()))
    return f"{schemas.TYPE_WORDS[schema['type']]}{keys}"


def _yaml(value: object) -> str:
    """Return `value` as YAML."""
    return value if isinstance(value, str) else json.dumps(value)
