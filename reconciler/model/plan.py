"""Plans: what an apply would do at each address, and what it would not touch."""

import enum
from collections.abc import Mapping
from functools import cached_property
from typing import Final

from msgspec import Struct, field

from reconciler.model.destination import UNSAID, Destination
from reconciler.model.diagnostics import Diagnostic, Position
from reconciler.model.identities import Address, CourseSid, Digest, ExamSid, InstallSid, exam_address_of
from reconciler.model.payloads import Json, Payload, digest_of
from reconciler.model.state import Intent


class Action(enum.Enum):
    """What a plan says of one address; the values are those of the plan's JSON format."""

    CREATE = "create"
    NOOP = "noop"
    CHANGED = "changed"
    ORPHANED = "orphaned"
    IN_DOUBT = "in-doubt"
    IMPORT = "import"
    MOVE = "move"
    FORGET = "forget"
    ACCEPT = "accept"

    @property
    def is_made_by_apply(self) -> bool:
        """Whether apply carries it out; other actions are only reported."""
        return self in {Action.CREATE, Action.IMPORT, Action.MOVE, Action.FORGET, Action.ACCEPT}


class Absent(enum.Enum):
    """The value of a field that one side of a difference lacks; JSON null is another value."""

    ABSENT = None


ABSENT = Absent.ABSENT


class FieldDiff(
    Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"is_of_value": "valueDiffers"}
):
    """One field that differs; `path` is dotted, with list positions in brackets.

    If `is_of_value`, both sides are one reference to a secret, whose value has changed since it was sent.
    """

    path: str
    before: "Json | Absent"
    after: "Json | Absent"
    is_of_value: bool = False


class Change(Struct, frozen=True, kw_only=True):
    """One line of a plan.

    `sid` is None until an exam is known. `source` is None if the address is not declared any more. `before`
    is the created payload and `after` the declared one; either may be None. `diff` is ordered by path.
    `intent` is set by `in-doubt` only. `moved_from` is set by `move`, by `accept` if the exam also moves, and
    by `in-doubt` if the doubt is about the exam's former address. `reason` says why it is accepted.
    `course` and `timezone` are for display: an alias of the course, and the zone of local times. `term`,
    `section` and `assignees` are those of the declaration.
    """

    address: Address
    action: Action
    install_sid: InstallSid
    course_sid: CourseSid
    sid: ExamSid | None
    digest: Digest
    source: Position | None
    before: Payload | None
    after: Payload | None
    diff: tuple[FieldDiff, ...] = ()
    moved_from: Address | None = None
    intent: Intent | None = None
    course: str | None = None
    timezone: str | None = None
    reason: str | None = None
    term: str | None = None
    section: str | None = None
    assignees: tuple[str, ...] = ()

    @property
    def course_name(self) -> str:
        """The alias of the course, or its SID if no alias is known."""
        return self.course or self.course_sid

    @property
    def exam_address(self) -> Address:
        """The address of the exam that it is a section of; its own if it is none."""
        return exam_address_of(self.address, self.section)

    @property
    def identity(self) -> tuple[str, ...]:
        """What a reviewer agrees to: two changes of one identity do the same thing."""
        return (
            self.address,
            self.action.value,
            self.install_sid,
            self.course_sid,
            self.sid or "",
            self.digest,
            self.moved_from or "",
        )

    @property
    def is_sealed(self) -> bool:
        """Whether the fingerprint covers it.

        A `noop` needs no review. The value of a secret is left out because only some runs can compare it.
        """
        is_value_only = self.action is Action.CHANGED and all(one.is_of_value for one in self.diff)
        return self.action is not Action.NOOP and not is_value_only


class Guard(Struct, frozen=True, kw_only=True):
    """A reason why apply refuses the plan as a whole; `code` is a stable kebab-case name.

    `hint` has a line for each way to go on.
    """

    code: str
    message: str
    hint: str
    addresses: tuple[Address, ...]

    @property
    def remedies(self) -> list[str]:
        """The lines of `hint`."""
        return self.hint.split("\n")


DONE: Final = "done"
"""The code of notes on blocks that have done their work."""


class Note(Struct, frozen=True, kw_only=True):
    """What is good to know about a plan and stops nothing; `code` is a stable kebab-case name.

    `source` is the place of the block that it is about; None if it is about no block.
    """

    code: str
    message: str
    hint: str
    source: Position | None
    addresses: tuple[Address, ...]


class Plan(Struct, frozen=True, kw_only=True, dict=True):
    """One change for each declared or known address, sorted by address, with guards and notes.

    `lineage` and `serial` are those of the state that the plan was made from. `notes` are ordered by their
    source, those without one first. `warnings` are those of the manifests, by place. `names` maps SIDs of
    courses and users to their aliases.
    """

    lineage: str
    serial: int
    changes: tuple[Change, ...]
    guards: tuple[Guard, ...] = ()
    notes: tuple[Note, ...] = ()
    destination: Destination = UNSAID
    warnings: tuple[Diagnostic, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def fingerprint(self) -> Digest:
        """The digest of the destination and of each change that `is_sealed`.

        It leaves out the state's URL, because a pull request may plan from a published copy. For a plan of
        format 1 it covers the changes alone.
        """
        changes = [list(change.identity) for change in self.changes if change.is_sealed]
        to = self.destination
        sealed: Json = changes
        if to.api_url is not None:
            sealed = {
                "environment": to.environment,
                "apiUrl": to.api_url,
                "lineage": self.lineage,
                "changes": changes,
            }
        return digest_of(sealed)

    def count(self, action: Action) -> int:
        """Return how many changes have `action`."""
        return sum(change.action is action for change in self.changes)

    def having(self, action: Action) -> tuple[Change, ...]:
        """Return the changes that have `action`, in order."""
        return tuple(change for change in self.changes if change.action is action)

    @property
    def to_make(self) -> tuple[Change, ...]:
        """The changes that apply would make, in order."""
        return tuple(change for change in self.changes if change.action.is_made_by_apply)

    @property
    def differs(self) -> bool:
        """Whether any change is not a `noop`."""
        return any(change.action is not Action.NOOP for change in self.changes)
