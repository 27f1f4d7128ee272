"""Validates values by our JSON Schemas, in two steps.

jsonschema-rs accepts nearly all valid values, a hundred times faster than jsonschema. The values that it does
not accept, or cannot judge, go to jsonschema, which decides and explains; it is also slow to load.
"""

import re
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs

from reconciler import schemas

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema import Draft7Validator, ValidationError

_END: Final = re.compile(r"(?<!\\)\$")


class SchemaCheck:
    """One schema, compiled for checks of many values."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema
        self._is_valid = jsonschema_rs.Draft7Validator(schema).is_valid
        self._parts: dict[int, SchemaCheck] = {}

    def is_surely_right(self, value: object) -> bool:
        """Return whether jsonschema-rs accepts `value`. False may mean that it cannot judge."""
        try:
            return self._is_valid(value)
        except ValueError:  # the value holds something that JSON does not have, such as BROKEN
            return False

    def errors(self, value: object) -> "list[ValidationError]":
        """Return all errors of `value`, in a stable order."""
        return [] if self.is_surely_right(value) else list(self.validator.iter_errors(value))

    @cached_property
    def validator(self) -> "Draft7Validator":
        """The jsonschema validator with two keywords of our own: exact `pattern`, faster `properties`."""
        import jsonschema  # noqa: PLC0415 - takes 135 ms to load, and a valid value needs none of it

        def pattern(_: Any, wanted: str, value: object, __: Any) -> "Iterator[ValidationError]":
            # Python's `$` also matches before a last line end.
            if isinstance(value, str) and re.search(_END.sub(r"\\Z", wanted), value) is None:
                yield jsonschema.ValidationError("does not match")

        def properties(validator: Any, parts: Any, value: Any, _: Any) -> "Iterator[ValidationError]":
            # jsonschema is slow, and most fields of an exam are valid: it checks only the others.
            for name in parts if isinstance(value, dict) else ():
                if name in value and not self._check_of(parts[name]).is_surely_right(value[name]):
                    yield from validator.descend(value[name], parts[name], path=name, schema_path=name)

        keywords = {"pattern": pattern, "properties": properties}
        extended: Any = jsonschema.validators.extend(jsonschema.Draft7Validator, keywords)  # type: ignore[no-untyped-call]
        validator: Draft7Validator = extended(self.schema)
        return validator

    def _check_of(self, part: dict[str, Any]) -> "SchemaCheck":
        """Return the check of `part`, which is a part of this schema."""
        if id(part) not in self._parts:
            self._parts[id(part)] = SchemaCheck({"definitions": self.schema.get("definitions", {})} | part)
        return self._parts[id(part)]


@cache
def check_of(schema: str, definition: str | None = None) -> SchemaCheck:
    """Return the check of a schema, or of one of its definitions."""
    root = schemas.load(schema)
    if definition is None:
        return SchemaCheck(root)
    return SchemaCheck({"$ref": f"#/definitions/{definition}", "definitions": root["definitions"]})
