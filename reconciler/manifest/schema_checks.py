"""JSON Schemas as fast yes-or-no checks, for the subset of draft-07 that our schemas use.

Nearly all exams are right, and for these a yes is enough. jsonschema, which takes ten times as long, is asked
only about what got a no (see `schema_errors`). A keyword that is not known here is refused when compiling, so
that no part of a schema is silently left out.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

Check: TypeAlias = Callable[[Any], bool]
Schema: TypeAlias = Mapping[str, Any]

_ANNOTATIONS: Final = frozenset(
    {"$schema", "title", "description", "examples", "default", "defaultSnippets", "definitions"}
)
_OBJECT_KEYWORDS: Final = frozenset({"properties", "required", "additionalProperties", "propertyNames"})
_TYPES: Final[dict[str, Check]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: (
        (isinstance(value, int) and not isinstance(value, bool))
        or (isinstance(value, float) and value.is_integer())
    ),
}


_END: Final = re.compile(r"(?<!\\)\$")


class UnknownKeyword(ValueError):
    """A schema uses a keyword that is not compiled."""


def compiled_pattern(pattern: str) -> re.Pattern[str]:
    """`pattern` as JSON Schema means it: `$` is the end of the text, and not also a line end before it."""
    return re.compile(_END.sub(r"\\Z", pattern))


def compile_check(schema: Schema, root: Schema) -> Check:
    """Whether a value satisfies `schema`; references are looked up in `root`."""
    if "$ref" in schema:
        return compile_check(root["definitions"][schema["$ref"].rpartition("/")[2]], root)
    checks = [
        _compile_keyword(keyword, argument, root)
        for keyword, argument in schema.items()
        if keyword not in _ANNOTATIONS | _OBJECT_KEYWORDS
    ]
    if _OBJECT_KEYWORDS & schema.keys():
        checks.append(_compile_object(schema, root))
    if len(checks) == 1:
        return checks[0]
    return lambda value: all(check(value) for check in checks)


def _compile_keyword(keyword: str, argument: Any, root: Schema) -> Check:  # noqa: C901, PLR0911 - one case a keyword
    match keyword:
        case "type":
            return _compile_type([argument] if isinstance(argument, str) else argument)
        case "const":
            return lambda value: value == argument and isinstance(value, bool) is isinstance(argument, bool)
        case "enum":
            return lambda value: value in argument
        case "pattern":
            search = compiled_pattern(argument).search
            return lambda value: not isinstance(value, str) or search(value) is not None
        case "minLength":
            return lambda value: not isinstance(value, str) or len(value) >= argument
        case "minItems":
            return lambda value: not isinstance(value, list) or len(value) >= argument
        case "minimum":
            return lambda value: not _TYPES["number"](value) or value >= argument
        case "items":
            item = compile_check(argument, root)
            return lambda value: not isinstance(value, list) or all(map(item, value))
        case "allOf":
            parts = [compile_check(part, root) for part in argument]
            return lambda value: all(part(value) for part in parts)
        case "oneOf":
            choices = [compile_check(choice, root) for choice in argument]
            return lambda value: sum(choice(value) for choice in choices) == 1
        case _:
            raise UnknownKeyword(keyword)


def _compile_type(names: Iterable[str]) -> Check:
    checks = [_TYPES[name] for name in names]
    return checks[0] if len(checks) == 1 else lambda value: any(check(value) for check in checks)


def _compile_object(schema: Schema, root: Schema) -> Check:
    known = {name: compile_check(part, root) for name, part in schema.get("properties", {}).items()}
    required = frozenset(schema.get("required", ()))
    others = _compile_others(schema.get("additionalProperties", True), root)
    name_check = compile_check(schema.get("propertyNames", {}), root)
    names_are_free = "propertyNames" not in schema

    def check(value: Any) -> bool:
        if not isinstance(value, dict):
            return True
        return (
            required <= value.keys()
            and (names_are_free or all(map(name_check, value)))
            and all(known.get(name, others)(item) for name, item in value.items())
        )

    return check


def _compile_others(schema: Any, root: Schema) -> Check:
    """The check of properties that are not named."""
    if isinstance(schema, bool):
        return lambda _: schema
    return compile_check(schema, root)
