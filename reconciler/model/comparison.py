"""What `check` finds: which exams of a table are declared, and where they differ."""

import enum

from msgspec import Struct

from reconciler.model.diagnostics import Position
from reconciler.model.identities import Address
from reconciler.model.payloads import Json


class Agreement(enum.Enum):
    """How one exam of a table and one declaration go together."""

    SAME = "same"
    DIFFERENT = "different"
    ONLY_IN_TABLE = "only-in-table"
    ONLY_DECLARED = "only-declared"


class FieldDifference(Struct, frozen=True):
    """A field with two values. For a password they are whether there is one; date-times are in UTC."""

    field: str
    table: Json
    declared: Json


class ComparedExam(Struct, frozen=True, kw_only=True):
    """An exam of a table with its declaration, or one of them alone: the place of the other is None.

    `drafted_as` is the address that a draft would give to an exam of the table alone. `matched_by` says what
    both have in common, such as `sid` or `course and title`. `timezone` is that of the declaration.
    """

    title: str
    address: Address | None = None
    drafted_as: Address | None = None
    in_table: Position | None = None
    declared_at: Position | None = None
    matched_by: str | None = None
    timezone: str | None = None
    differences: tuple[FieldDifference, ...] = ()

    @property
    def agreement(self) -> Agreement:
        """How the two go together."""
        if self.in_table is None:
            return Agreement.ONLY_DECLARED
        if self.declared_at is None:
            return Agreement.ONLY_IN_TABLE
        return Agreement.DIFFERENT if self.differences else Agreement.SAME


class Comparison(Struct, frozen=True):
    """All exams of a table in its order, then the declarations that it lacks, sorted by address."""

    exams: tuple[ComparedExam, ...]

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        return all(exam.agreement is Agreement.SAME for exam in self.exams)

    def count(self, agreement: Agreement) -> int:
        """Return the number of exams that go together like this."""
        return sum(exam.agreement is agreement for exam in self.exams)
