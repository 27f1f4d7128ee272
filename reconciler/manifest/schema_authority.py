"""jsonschema as this product asks it. It is loaded only to say what is wrong, for it takes its time."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema import Draft7Validator, ValidationError
from jsonschema.validators import extend

from reconciler.manifest.schema_checks import compiled_pattern

__all__ = ["Draft7Validator", "ValidationError", "validator_class"]


@cache
def validator_class() -> Any:
    """Draft 7 with patterns as JSON Schema means them."""
    return extend(Draft7Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]


def _pattern(_: Any, pattern: str, value: object, __: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and compiled_pattern(pattern).search(value) is None:
        yield ValidationError("does not match")
