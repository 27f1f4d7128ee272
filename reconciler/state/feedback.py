"""Feedback: the outcomes of a recovery file, put into the state that lacks them.

An outcome is recorded only if its create is still open. No entry or decision of a person is overruled.
"""

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias, assert_never

from msgspec.structs import replace

from reconciler.model.records import CreatedRecord, FailedRecord, InDoubtRecord, LogRecord
from reconciler.model.report import Outcome, RecoveredOutcome, RecoveryVerdict
from reconciler.model.state import Resolution, State
from reconciler.state.replay import apply_record

_LOOK: Final = "Look in the service, then"


OutcomeRecord: TypeAlias = CreatedRecord | FailedRecord | InDoubtRecord
_OUTCOMES: Final[Mapping[type[OutcomeRecord], Outcome]] = {
    CreatedRecord: Outcome.CREATED,
    FailedRecord: Outcome.FAILED,
    InDoubtRecord: Outcome.IN_DOUBT,
}


def feed(state: State, records: Iterable[LogRecord]) -> tuple[State, tuple[RecoveredOutcome, ...]]:
    """Return `state` with the outcomes of its open creates, and the result of each outcome, in order.

    Other records are skipped. Feeding the same records again changes nothing.
    """
    feeder = _Feeder(state)
    fed = tuple(feeder.feed(record) for record in records if isinstance(record, OutcomeRecord))
    return feeder.state, fed


class _Feeder:
    """A state to which outcomes are fed one by one."""

    def __init__(self, state: State) -> None:
        self._before = state
        self._exams, self._intents = dict(state.exams), dict(state.intents)
        self._holders = {entry.sid: address for address, entry in state.exams.items()}
        self._resolutions = {one.attempt: one for one in state.resolutions}

    @property
    def state(self) -> State:
        """The state as it is now."""
        return replace(self._before, exams=self._exams, intents=self._intents)

    def feed(self, record: OutcomeRecord) -> RecoveredOutcome:
        """Return the verdict on `record`, and record it if its create was open."""
        fed = self._judge(record)
        if fed.verdict is RecoveryVerdict.RECORDED:
            apply_record(record, self._exams, self._intents)
            if isinstance(record, CreatedRecord):
                self._holders[record.sid] = record.address
        return fed

    def _judge(self, record: OutcomeRecord) -> RecoveredOutcome:
        match record:
            case CreatedRecord():
                return self._judge_created(record)
            case FailedRecord():
                return self._judge_failed(record)
            case InDoubtRecord():
                return self._judge_doubt(record)
            case _:
                assert_never(record)

    def _is_open(self, record: OutcomeRecord) -> bool:
        intent = self._intents.get(record.address)
        return intent is not None and intent.attempt == record.attempt

    def _judge_created(self, record: CreatedRecord) -> RecoveredOutcome:
        sid, holder = record.sid, self._holders.get(record.sid)
        if self._is_open(record):
            if holder is None:
                return _fed(record, RecoveryVerdict.RECORDED, f"recorded as {sid}")
            return _fed(
                record,
                RecoveryVerdict.CONTRADICTS,
                f"was created as {sid}, which {holder} holds",
                hint=f"{_LOOK} give {holder} the exam that is its own, and settle {record.address}.",
            )
        if holder is not None:
            where = "" if holder == record.address else f", at {holder}"
            return _fed(record, RecoveryVerdict.KNOWN, f"{sid} is in state{where}")
        settled = self._resolutions.get(record.attempt)
        if settled is not None and settled.sid == sid:
            return _fed(record, RecoveryVerdict.KNOWN, f"{settled.by} settled it as {sid}")
        return self._judge_stray(record, settled)

    def _judge_stray(self, record: CreatedRecord, settled: Resolution | None) -> RecoveredOutcome:
        """Return the verdict on an exam that exists and that state does not hold."""
        address, sid = record.address, record.sid
        contradiction = self._contradiction(record, settled)
        if contradiction is not None:
            return _fed(
                record,
                RecoveryVerdict.CONTRADICTS,
                f"was created as {sid}, but {contradiction}",
                hint=f"{_LOOK} keep the one that is right: the exam may exist twice.",
            )
        return _fed(
            record,
            RecoveryVerdict.UNKNOWN,
            f"was created as {sid}, and state does not know of it",
            hint=f"Adopt it, or the next apply creates it again: reconciler import {address} {sid}",
        )

    def _contradiction(self, record: CreatedRecord, settled: Resolution | None) -> str | None:
        if settled is not None:
            return f"{settled.by} settled it as {settled.sid or 'absent'}"
        entry = self._exams.get(record.address)
        if entry is not None:
            return f"state holds {entry.sid} there"
        return "another attempt is in doubt there" if record.address in self._intents else None

    def _judge_failed(self, record: FailedRecord) -> RecoveredOutcome:
        """Return the verdict on a failed create: one that is not open was cleared, as it leaves no trace."""
        if self._is_open(record):
            return _fed(record, RecoveryVerdict.RECORDED, f"was not created: {record.reason}")
        settled = self._resolutions.get(record.attempt)
        if settled is not None and settled.sid is not None:
            return _fed(
                record,
                RecoveryVerdict.CONTRADICTS,
                f"was refused ({record.reason}), but {settled.by} settled it as {settled.sid}",
                hint=f"{_LOOK} see what {settled.sid} is.",
            )
        return _fed(record, RecoveryVerdict.KNOWN, "was not created, and state knows")

    def _judge_doubt(self, record: InDoubtRecord) -> RecoveredOutcome:
        if self._is_open(record):
            if self._intents[record.address].answer is None:
                return _fed(record, RecoveryVerdict.RECORDED, f"in doubt: {record.answer.reason}")
            return _fed(record, RecoveryVerdict.KNOWN, "in doubt, and state knows")
        settled = self._resolutions.get(record.attempt)
        if settled is not None:
            return _fed(record, RecoveryVerdict.KNOWN, f"was in doubt; {settled.by} settled it")
        return _fed(
            record,
            RecoveryVerdict.UNKNOWN,
            f"was in doubt ({record.answer.reason}), and state does not know of it",
            hint=f"{_LOOK} adopt it if it is there: reconciler import {record.address} SID",
        )


def _fed(record: OutcomeRecord, verdict: RecoveryVerdict, message: str, hint: str = "") -> RecoveredOutcome:
    return RecoveredOutcome(
        address=record.address,
        attempt=record.attempt,
        outcome=_OUTCOMES[type(record)].value,
        sid=record.sid if isinstance(record, CreatedRecord) else None,
        verdict=verdict,
        message=message,
        hint=hint,
    )
