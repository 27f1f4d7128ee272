"""A rollover: the files of the next term that were made from those of a term."""

from msgspec import Struct

from reconciler.model.diagnostics import Diagnostic, Position


class ShiftedField(Struct, frozen=True, kw_only=True):
    """A date-time that was shifted, as text before and after; `week` is None for plain whole weeks."""

    at: Position
    field: str
    before: str
    after: str
    week: int | None


class Gap(Struct, frozen=True, kw_only=True):
    """A place where a person has to fill in `field`."""

    at: Position
    field: str


class RolledFile(Struct, frozen=True, kw_only=True):
    """A new file, with its `content`, and the file `source` that it is made from.

    `diff` are the lines of a unified diff of both, without secrets, and printable.
    """

    source: str
    name: str
    content: bytes
    diff: tuple[str, ...]
    shifts: tuple[ShiftedField, ...]
    gaps: tuple[Gap, ...]


class RolloverNote(Struct, frozen=True, kw_only=True):
    """What was not made, and why: `hint` says what to do next."""

    message: str
    hint: str


class Rollover(Struct, frozen=True, kw_only=True):
    """The new files, warnings about what they say, and notes about files that are not made."""

    files: tuple[RolledFile, ...]
    warnings: tuple[Diagnostic, ...] = ()
    notes: tuple[RolloverNote, ...] = ()
