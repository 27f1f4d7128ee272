"""State: the exam at each address, creates whose outcome is unknown, and how doubts about them ended.

While a state moves to another store, a `MoveMarker` is in its file in the old store and in the new one.
"""

import enum
from collections.abc import Collection, Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import force_setattr, replace

from reconciler.model.identities import (
    Address,
    AttemptId,
    ConfigurationSid,
    CourseSid,
    Digest,
    ExamSid,
    InstallSid,
    Lineage,
)
from reconciler.model.payloads import Payload
from reconciler.model.secret_fingerprints import SecretFingerprints
from reconciler.model.stored_values import Count, Instant, StoredValue


class Entry(StoredValue, frozen=True, kw_only=True):
    """A created exam. `payload` is what was sent, secrets as references; `created_at` is in UTC.

    `secrets` are the fingerprints of the secrets that were sent; None if none were kept.
    `configuration_sid` is that of the answer to the create; None if the answer named none.
    """

    sid: ExamSid
    install_sid: InstallSid
    course_sid: CourseSid
    digest: Digest
    payload: Payload
    created_at: Instant
    secrets: SecretFingerprints | None = None
    configuration_sid: ConfigurationSid | None = None


class UnclearAnswer(StoredValue, frozen=True, kw_only=True):
    """The answer to a create whose outcome stays unknown; `status` is None if no status line arrived.

    `request_id` is the service's id of the request; None if it gave none. `sids` are the exam SIDs anywhere
    in the answer, in order: one of them may be this exam's.
    """

    status: Count | None
    reason: str
    request_id: str | None = None
    sids: tuple[ExamSid, ...] = ()


class Intent(StoredValue, frozen=True, kw_only=True):
    """A create that was about to be sent. It is in doubt until its outcome is recorded.

    `started_at` is in UTC, `by` says who ran it and where, `answer` is None if the run ended without one, and
    `secrets` is as in an entry.
    """

    attempt: AttemptId
    digest: Digest
    install_sid: InstallSid
    course_sid: CourseSid
    payload: Payload
    started_at: Instant
    by: str
    answer: UnclearAnswer | None = None
    secrets: SecretFingerprints | None = None

    def as_created(
        self, sid: ExamSid, at: datetime, configuration_sid: ConfigurationSid | None = None
    ) -> Entry:
        """Return the entry of this create once it is known to have made `sid`; `at` is in UTC."""
        return Entry(
            sid=sid,
            install_sid=self.install_sid,
            course_sid=self.course_sid,
            digest=self.digest,
            payload=self.payload,
            created_at=at,
            secrets=self.secrets,
            configuration_sid=configuration_sid,
        )


class ResolutionMethod(enum.Enum):
    """How a person ended a doubt; the values are those of the state's format."""

    RESOLVE_SID = "resolve --sid"
    RESOLVE_ABSENT = "resolve --absent"
    IMPORT_COMMAND = "import"
    IMPORTS_BLOCK = "imports"
    ABSENT_BLOCK = "absent"

    @property
    def found_an_exam(self) -> bool:
        """Whether it says that the exam exists."""
        return self not in {ResolutionMethod.RESOLVE_ABSENT, ResolutionMethod.ABSENT_BLOCK}


class Resolution(StoredValue, frozen=True, kw_only=True):
    """How the doubt about `attempt` at `address` ended.

    `sid` is the exam that a person found; None if the create made none. `by` says who settled it and where,
    `at` is in UTC.
    """

    address: Address
    attempt: AttemptId
    sid: ExamSid | None
    by: str
    at: Instant
    how: ResolutionMethod

    def __post_init__(self) -> None:
        """Raise ValueError if `sid` and `how` contradict each other."""
        if (self.sid is not None) is not self.how.found_an_exam:
            raise ValueError("`sid` and `how` contradict each other")
        super().__post_init__()


def _age(resolution: Resolution) -> tuple[datetime, str, str, str, str, str]:
    """Return a key that sorts resolutions, the oldest first."""
    return (
        resolution.at,
        resolution.address,
        resolution.attempt,
        resolution.sid or "",
        resolution.how.value,
        resolution.by,
    )


class Acceptance(StoredValue, frozen=True, kw_only=True):
    """A person says that the exam `sid` was changed in the service to what is declared.

    `before` is the digest that state held until then, `digest` the declared one that it took. `by` says who
    accepted it and where, `at` is in UTC, `reason` is in the person's words; None if none was given.
    """

    address: Address
    sid: ExamSid
    before: Digest
    digest: Digest
    by: str
    at: Instant
    reason: str | None = None


class State(StoredValue, frozen=True, kw_only=True):
    """All that is recorded of a workspace.

    `lineage` identifies the state's history; `serial` counts its snapshots. No address is in both `exams` and
    `intents`, and no SID is held by two addresses. `resolutions` is history, the oldest first: an attempt may
    be in it twice if an older state was put back. `acceptances` is history as well, the oldest first.
    `service` is the base URL, normalised, of the service that holds the exams; None until the first create is
    about to be sent.
    """

    lineage: Lineage
    serial: Count
    exams: Mapping[Address, Entry]
    intents: Mapping[Address, Intent]
    resolutions: tuple[Resolution, ...] = ()
    acceptances: tuple[Acceptance, ...] = ()
    service: str | None = None

    def __post_init__(self) -> None:
        """Sort `resolutions` and `acceptances`, the oldest first."""
        force_setattr(self, "resolutions", tuple(sorted(self.resolutions, key=_age)))
        force_setattr(self, "acceptances", tuple(sorted(self.acceptances, key=lambda one: one.at)))

    def with_resolutions(self, *settled: Resolution) -> "State":
        """Return this state with `settled` added to its resolutions."""
        return replace(self, resolutions=(*self.resolutions, *settled))

    def part(self, addresses: Collection[Address]) -> "State":
        """Return this state with what it holds of `addresses` only, history included."""
        return replace(
            self,
            exams={address: self.exams[address] for address in self.exams if address in addresses},
            intents={address: self.intents[address] for address in self.intents if address in addresses},
            resolutions=tuple(one for one in self.resolutions if one.address in addresses),
            acceptances=tuple(one for one in self.acceptances if one.address in addresses),
        )

    def resolutions_of(self, address: Address) -> tuple[Resolution, ...]:
        """Return the resolutions of doubts about `address`, and of those about the exam that it holds now."""
        entry = self.exams.get(address)
        return tuple(
            one
            for one in self.resolutions
            if one.address == address or (entry is not None and one.sid == entry.sid)
        )

    def acceptances_of(self, address: Address) -> tuple[Acceptance, ...]:
        """Return the acceptances of changes at `address`, and of those of the exam that it holds now."""
        entry = self.exams.get(address)
        return tuple(
            one
            for one in self.acceptances
            if one.address == address or (entry is not None and one.sid == entry.sid)
        )


class MovePhase(enum.Enum):
    """Which end of a move a file is; the values are those of the state's format."""

    MOVING_FROM = "movingFrom"
    """The new store, before the old one is marked: the old one is still in use."""
    MOVED_TO = "movedTo"
    """The old store: its content is history."""


class MoveMarker(Struct, frozen=True, kw_only=True):
    """Marks a state that must not be used here; `elsewhere` is the other store's URL as given."""

    phase: MovePhase
    elsewhere: str
