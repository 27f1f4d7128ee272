"""The base of values in files of state, log and plan."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct, ValidationError
from msgspec.structs import astuple, force_setattr

from reconciler.model.outside_text import tamed

_MISSING: Final = re.compile("Object missing required field `([A-Za-z]+)`")
_UNKNOWN: Final = re.compile("Object contains unknown field `(.*)`", re.DOTALL)
_UNEXPECTED: Final = re.compile("Expected `([^`]+)`(.*?)(?:, got .+)?")
_NO_INSTANT: Final = "Invalid RFC3339 encoded datetime"
_KINDS: Final = {
    "object": "an object",
    "array": "a list",
    "str": "a string",
    "int": "a whole number",
    "bool": "true or false",
    "datetime": "a date-time",
}
"""Kinds of values as msgspec calls them, and as a message does."""
_PROSE: Final = frozenset({"by", "command", "host", "lock_id", "reason", "request_id", "who"})
"""Names of fields that hold text of a person, a host or a server."""
LONGEST_PROSE: Final = 2_000
"""Most characters of such text."""
_MICROSECONDS: Final = 1_000

Count: TypeAlias = Annotated[int, Meta(ge=0)]
"""A whole number of zero or more."""

Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""A moment in UTC, to the millisecond."""


class StoredValue(
    Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """A value whose fields, in camel case, are those of its JSON object; a field at its default is left out.

    Text from outside is tamed, and moments are in UTC, to the millisecond: files of earlier versions may hold
    others.
    """

    def __post_init__(self) -> None:
        for name, value in zip(self.__struct_fields__, astuple(self), strict=True):
            if type(value) is datetime:
                below = value.microsecond % _MICROSECONDS
                if below or value.tzinfo is not UTC:
                    force_setattr(self, name, value.astimezone(UTC) - timedelta(microseconds=below))
            elif name in _PROSE and value is not None:
                force_setattr(self, name, tamed(value, most=LONGEST_PROSE))


def problem_of(error: ValidationError, place: str) -> str:
    """Return what msgspec found wrong in `place`, for a message: where, and what was expected there."""
    problem, _, path = str(error).partition(" - at `$")
    where = f"{place}{path.rstrip('`')}"
    if found := _MISSING.fullmatch(problem):
        return f"{where}.{found[1]} is missing"
    if found := _UNKNOWN.fullmatch(problem):
        return f'{where} has the unknown key "{tamed(found[1])}"'
    if found := _UNEXPECTED.fullmatch(problem.replace(_NO_INSTANT, "Expected `datetime`")):
        kinds = " or ".join(_KINDS.get(kind, kind) for kind in found[1].split(" | "))
        return f"{where} is not {kinds}{' of the right form' if 'regex' in found[2] else found[2]}"
    return f"{where}: {tamed(problem)}"
