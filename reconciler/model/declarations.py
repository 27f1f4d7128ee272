"""What the manifests of a workspace say: exams, and the blocks that steer their lifecycle."""

from collections.abc import Mapping

from msgspec import Struct, field

from reconciler.model.diagnostics import Diagnostic, Position
from reconciler.model.identities import Address, AttemptId, CourseSid, Digest, ExamSid, InstallSid
from reconciler.model.payloads import Payload
from reconciler.model.provenance import Provenance
from reconciler.model.secrets import SecretUse


class Declaration(Struct, frozen=True, kw_only=True):
    """One exam as declared: defaults merged, aliases resolved, date-times normalised.

    `digest` is that of `payload`. `course` is the alias that the author used, for display; None if the author
    wrote a SID. `timezone` is the IANA name of the zone that local times are in; None means UTC. `term` is
    that of its file, and `section` its key among the sections of one exam; None for an exam without.
    `assignees` say who is to be assigned to it by hand; they are not sent.
    """

    address: Address
    install_sid: InstallSid
    course_sid: CourseSid
    payload: Payload
    digest: Digest
    secrets: tuple[SecretUse, ...]
    declared_at: Position
    course: str | None = None
    timezone: str | None = None
    term: str | None = None
    section: str | None = None
    assignees: tuple[str, ...] = ()


class ExamElsewhere(Struct, frozen=True, kw_only=True):
    """An exam that is declared for other environments than the chosen one: for `environments` only."""

    address: Address
    environments: tuple[str, ...]
    declared_at: Position

    def __str__(self) -> str:
        return f"{self.address} is declared for {' and '.join(self.environments)} only"


class Import(Struct, frozen=True, kw_only=True):
    """`imports`: the exam at `address` exists already, as `sid`."""

    address: Address
    sid: ExamSid
    declared_at: Position


class Move(Struct, frozen=True, kw_only=True):
    """`moved`: what was declared at `source` is now declared at `address`.

    Both may be globs with one `*` each: what `*` matches in `source` takes its place in `address`.
    """

    source: Address
    address: Address
    declared_at: Position


class Removal(Struct, frozen=True, kw_only=True):
    """`removed`: state is to forget `address`, which may be a glob; the exam in the service stays."""

    address: Address
    declared_at: Position


class Absence(Struct, frozen=True, kw_only=True):
    """`absent`: a person confirmed that `attempt` did not create the exam at `address`."""

    address: Address
    attempt: AttemptId
    declared_at: Position


class AcceptedChange(Struct, frozen=True, kw_only=True):
    """`accepted`: the exam at `address` was changed in the service to what is declared, which has `digest`.

    `reason` is shown to reviewers and kept in state; None if none was given.
    """

    address: Address
    digest: Digest
    declared_at: Position
    reason: str | None = None


class Distinction(Struct, frozen=True, kw_only=True):
    """`distinct`: the exams at `address` and at `other` are two exams, however alike; both may be globs.

    `reason` is shown to reviewers; it may be empty.
    """

    address: Address
    other: Address
    declared_at: Position
    reason: str = ""


class Declared(Struct, frozen=True, kw_only=True):
    """Everything that a workspace declares; each tuple is sorted by address."""

    exams: tuple[Declaration, ...] = ()
    imports: tuple[Import, ...] = ()
    moves: tuple[Move, ...] = ()
    removals: tuple[Removal, ...] = ()
    absences: tuple[Absence, ...] = ()
    accepted: tuple[AcceptedChange, ...] = ()
    distinctions: tuple[Distinction, ...] = ()
    elsewhere: tuple[ExamElsewhere, ...] = ()


class Loaded(Struct, frozen=True, kw_only=True):
    """The result of reading manifests; `declared` is complete unless `diagnostics` holds an error.

    `diagnostics` is sorted by file, line and column. `timely` holds the codes of rules that depend on the
    present moment: the same manifests may break them tomorrow. `names` maps SIDs of courses and users to
    their aliases. `files` are the manifests and base files that were read.
    """

    declared: Declared
    diagnostics: tuple[Diagnostic, ...]
    provenance: Mapping[Address, Provenance] = field(default_factory=dict)
    timely: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)
    files: frozenset[str] = frozenset()
