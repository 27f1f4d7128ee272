"""Whether a value satisfies a schema, told as quickly as that can be.

Three ways of telling agree, which property tests show: jsonschema, the authority, which also says why not and
is loaded only for that; our own checks (`schema_checks`), a tenth of its time; and jsonschema-rs, a tenth of
theirs, which takes longer to load than a few hundred exams take to check. Only a yes of jsonschema-rs counts:
what it does not call right is looked at again.
"""

from collections.abc import Callable, Iterator
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final

from reconciler import schemas
from reconciler.manifest.schema_checks import Schema, compile_check
from reconciler.manifest.schema_narrowing import Narrowing

if TYPE_CHECKING:
    from jsonschema import Draft7Validator, ValidationError

FEW: Final = 300
"""Values that are checked in less time than it takes to load jsonschema-rs."""


class SchemaCheck:
    """One schema, ready to ask: `is_satisfied` quickly says whether, `errors` slowly says why not."""

    def __init__(self, schema: Schema, root: Schema) -> None:
        self.schema = schema
        self.required: tuple[str, ...] = tuple(schema.get("required", ()))
        self._root = root
        self._check = compile_check(schema, root)
        self._asked = 0

    def is_satisfied(self, value: object) -> bool:
        """Whether nothing is wrong with `value`."""
        if self._asked < FEW:
            self._asked += 1
            return self._check(value)
        return self.is_surely_right(value) or self._check(value)

    @cached_property
    def is_surely_right(self) -> Callable[[object], bool]:
        """A check by jsonschema-rs, whose yes is final, and whose no may mean that it cannot tell."""
        from jsonschema_rs import Draft7Validator  # noqa: PLC0415 - loads only where there is much to check

        is_valid = Draft7Validator(dict(self.schema)).is_valid

        def is_surely_right(value: object) -> bool:
            try:
                return is_valid(value)
            except ValueError:  # there is something in it that JSON does not have, such as BROKEN
                return False

        return is_surely_right

    @cached_property
    def validator(self) -> "Draft7Validator":
        """The authority on this schema."""
        from reconciler.manifest.schema_authority import validator_class  # noqa: PLC0415 - loads jsonschema

        validator: Draft7Validator = validator_class()(self.schema)
        return validator

    @cached_property
    def _narrowing(self) -> Narrowing:
        return Narrowing(self.schema, self._root)

    def errors(self, value: object) -> "Iterator[ValidationError]":
        """Everything wrong with `value`, in a stable order: all that `validator` says, in less time."""
        from reconciler.manifest.schema_authority import validator_class  # noqa: PLC0415 - loads jsonschema

        narrowed = self._narrowing.narrowed(self._narrowing.failing(value))
        errors: Iterator[ValidationError] = validator_class()(narrowed).iter_errors(value)
        return errors


@cache
def check_of(schema: str, definition: str | None = None) -> SchemaCheck:
    """The check of a schema, or of one of its definitions; built once."""
    root = schemas.load(schema)
    part: dict[str, Any] = root
    if definition is not None:
        part = {"$ref": f"#/definitions/{definition}", "definitions": root["definitions"]}
    return SchemaCheck(part, root)
