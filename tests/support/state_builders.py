"""Small states and records for tests."""

from collections.abc import Iterable
from datetime import UTC, datetime

from reconciler.model.identities import Address, AttemptId, CourseSid, ExamSid, InstallSid
from reconciler.model.payloads import digest_of
from reconciler.model.records import CreatedRecord, FailedRecord, InDoubtRecord, IntentRecord, LogRecord
from reconciler.model.state import Entry, Intent, Resolution, ResolutionMethod, State, UnclearAnswer
from reconciler.state.replay import Replay

LINEAGE = "0b0e8f9e-55f6-4b52-8f0c-3a3f1f1b8c11"
INSTALL = InstallSid("AI" + "1" * 32)
COURSE = CourseSid("CU" + "2" * 32)
NOW = datetime(2031, 9, 1, 12, 0, tzinfo=UTC)


def sid(number: int) -> ExamSid:
    """The SID of the exam `number`."""
    return ExamSid(f"EX{number:032x}")


def intent(attempt: str, title: str = "Midterm") -> Intent:
    """An intent of `attempt`."""
    payload = {"title": title, "configuration": {"password": {"fromEnv": "EXAM_SECRET_X"}}}
    return Intent(
        attempt=AttemptId(attempt),
        digest=digest_of(payload),
        install_sid=INSTALL,
        course_sid=COURSE,
        payload=payload,
        started_at=NOW,
        by="someone@somewhere",
    )


def entry(number: int, title: str = "Midterm") -> Entry:
    """A created exam with the SID `number`."""
    payload = {"title": title}
    return Entry(
        sid=sid(number),
        install_sid=INSTALL,
        course_sid=COURSE,
        digest=digest_of(payload),
        payload=payload,
        created_at=NOW,
    )


def state(exams: dict[str, Entry] | None = None, intents: dict[str, Intent] | None = None) -> State:
    """A state of serial 3."""
    return State(
        lineage=LINEAGE,
        serial=3,
        exams={Address(key): value for key, value in (exams or {}).items()},
        intents={Address(key): value for key, value in (intents or {}).items()},
    )


def began(address: str, attempt: str) -> IntentRecord:
    """The record of an intent."""
    return IntentRecord(address=Address(address), intent=intent(attempt))


def created(address: str, attempt: str, number: int) -> CreatedRecord:
    """The record of a created exam."""
    return CreatedRecord(address=Address(address), attempt=AttemptId(attempt), sid=sid(number), at=NOW)


def failed(address: str, attempt: str) -> FailedRecord:
    """The record of a create that certainly made nothing."""
    return FailedRecord(
        address=Address(address), attempt=AttemptId(attempt), status=400, reason="no such course", at=NOW
    )


def doubted(address: str, attempt: str) -> InDoubtRecord:
    """The record of an outcome that stays unknown."""
    return InDoubtRecord(
        address=Address(address),
        attempt=AttemptId(attempt),
        answer=UnclearAnswer(status=502, reason="bad gateway", request_id="r1"),
    )


def resolution(address: str, attempt: str, number: int | None) -> Resolution:
    """The end of the doubt about `attempt`: the exam `number`, or None."""
    return Resolution(
        address=Address(address),
        attempt=AttemptId(attempt),
        sid=None if number is None else sid(number),
        by="someone@somewhere",
        at=NOW,
        how=ResolutionMethod.RESOLVE_ABSENT if number is None else ResolutionMethod.RESOLVE_SID,
    )


def replay(before: State, records: Iterable[LogRecord]) -> State:
    """`before` after `records`."""
    replayed = Replay(before)
    for record in records:
        replayed.apply(record)
    return replayed.state
