"""Feedback: the records of a run, put into a state that lacks them.

An outcome is recorded if its create is open in state, or if its intent is among the records and the state
knows nothing of that try. An intent without an outcome is in doubt. No entry or decision of a person is
overruled.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, assert_never

from msgspec.structs import replace

from reconciler.model.commands import command
from reconciler.model.identities import AttemptId
from reconciler.model.records import (
    CreatedRecord,
    FailedRecord,
    InDoubtRecord,
    IntentRecord,
    LogRecord,
    Record,
)
from reconciler.model.report import Outcome, RecoveredOutcome, RecoveryVerdict
from reconciler.model.state import Resolution, State
from reconciler.state.replay import apply_record

_LOOK: Final = "Look in the service, then"
_OUTCOMES: Final[Mapping[type[Record], Outcome]] = {
    IntentRecord: Outcome.IN_DOUBT,
    CreatedRecord: Outcome.CREATED,
    FailedRecord: Outcome.FAILED,
    InDoubtRecord: Outcome.IN_DOUBT,
}


def feed(state: State, records: Iterable[LogRecord]) -> tuple[State, tuple[RecoveredOutcome, ...]]:
    """Return `state` with what it lacked, and the result for each create, in order of their last records.

    Records of locks are skipped. Feeding the same records again changes nothing.
    """
    feeder = _Feeder(state)
    last: dict[AttemptId, Record] = {}
    for record in records:
        if isinstance(record, IntentRecord):
            feeder.sent[record.intent.attempt] = last[record.intent.attempt] = record
        elif isinstance(record, Record):
            last.pop(record.attempt, None)
            last[record.attempt] = record
    fed = tuple(map(feeder.feed, last.values()))
    return feeder.state, fed


class _Judgement(NamedTuple):
    verdict: RecoveryVerdict
    message: str
    hint: str = ""


class _Feeder:
    """A state to which the creates of a run are fed one by one; `sent` are the run's intents."""

    def __init__(self, state: State) -> None:
        self.sent: dict[AttemptId, IntentRecord] = {}
        self._before = state
        self._service = state.service
        self._exams, self._intents = dict(state.exams), dict(state.intents)
        self._holders = {entry.sid: address for address, entry in state.exams.items()}
        self._resolutions = {one.attempt: one for one in state.resolutions}

    @property
    def state(self) -> State:
        """The state as it is now."""
        return replace(self._before, exams=self._exams, intents=self._intents, service=self._service)

    def feed(self, record: Record) -> RecoveredOutcome:
        """Return the verdict on `record`, and record it if the verdict says so."""
        verdict, message, hint = self._judge(record)
        if verdict is RecoveryVerdict.RECORDED:
            self._record(record)
        return RecoveredOutcome(
            address=record.address,
            attempt=_attempt(record),
            outcome=_OUTCOMES[type(record)].value,
            sid=record.sid if isinstance(record, CreatedRecord) else None,
            verdict=verdict,
            message=message,
            hint=hint,
        )

    def _record(self, record: Record) -> None:
        if not self._is_open(record):  # state knows nothing of this try
            intent = self.sent[_attempt(record)]
            apply_record(intent, self._exams, self._intents)
            self._service = self._service or intent.service
        if not isinstance(record, IntentRecord):
            apply_record(record, self._exams, self._intents)
        if isinstance(record, CreatedRecord):
            self._holders[record.sid] = record.address

    def _judge(self, record: Record) -> _Judgement:
        match record:
            case CreatedRecord():
                return self._judge_created(record)
            case FailedRecord():
                return self._judge_failed(record)
            case IntentRecord() | InDoubtRecord():
                return self._judge_doubt(record)
            case _:
                assert_never(record)

    def _is_open(self, record: Record) -> bool:
        intent = self._intents.get(record.address)
        return intent is not None and intent.attempt == _attempt(record)

    def _is_free(self, record: Record) -> bool:
        """Return whether the create can be added to state as it was sent: its address is free."""
        is_sent = _attempt(record) in self.sent
        return is_sent and record.address not in self._exams and record.address not in self._intents

    def _judge_created(self, record: CreatedRecord) -> _Judgement:
        sid, holder = record.sid, self._holders.get(record.sid)
        if self._is_open(record):
            if holder is None:
                return _Judgement(RecoveryVerdict.RECORDED, f"recorded as {sid}")
            hint = f"{_LOOK} give {holder} the exam that is its own, and settle {record.address}."
            message = f"was created as {sid}, which {holder} holds"
            return _Judgement(RecoveryVerdict.CONTRADICTS, message, hint)
        if holder is not None:
            where = "" if holder == record.address else f", at {holder}"
            return _Judgement(RecoveryVerdict.KNOWN, f"{sid} is in state{where}")
        settled = self._resolutions.get(record.attempt)
        if settled is not None and settled.sid == sid:
            return _Judgement(RecoveryVerdict.KNOWN, f"{settled.by} settled it as {sid}")
        return self._judge_stray(record, settled)

    def _judge_stray(self, record: CreatedRecord, settled: Resolution | None) -> _Judgement:
        """Return the verdict on an exam that exists and that state does not hold."""
        address, sid = record.address, record.sid
        contradiction = self._contradiction(record, settled)
        if contradiction is not None:
            hint = f"{_LOOK} keep the one that is right: the exam may exist twice."
            message = f"was created as {sid}, but {contradiction}"
            return _Judgement(RecoveryVerdict.CONTRADICTS, message, hint)
        if self._is_free(record):
            return _Judgement(RecoveryVerdict.RECORDED, f"recorded as {sid}")
        hint = f"Adopt it, or the next apply creates it again: {command('import', address, sid)}"
        message = f"was created as {sid}, and state does not know of it"
        return _Judgement(RecoveryVerdict.UNKNOWN, message, hint)

    def _contradiction(self, record: CreatedRecord, settled: Resolution | None) -> str | None:
        if settled is not None:
            return f"{settled.by} settled it as {settled.sid or 'absent'}"
        entry = self._exams.get(record.address)
        if entry is not None:
            return f"state holds {entry.sid} there"
        return "another attempt is in doubt there" if record.address in self._intents else None

    def _judge_failed(self, record: FailedRecord) -> _Judgement:
        """Return the verdict on a failed create: one that is not open was cleared, as it leaves no trace."""
        if self._is_open(record):
            return _Judgement(RecoveryVerdict.RECORDED, f"was not created: {record.reason}")
        settled = self._resolutions.get(record.attempt)
        if settled is not None and settled.sid is not None:
            message = f"was refused ({record.reason}), but {settled.by} settled it as {settled.sid}"
            hint = f"{_LOOK} see what {settled.sid} is."
            return _Judgement(RecoveryVerdict.CONTRADICTS, message, hint)
        return _Judgement(RecoveryVerdict.KNOWN, "was not created, as state says too")

    def _judge_doubt(self, record: IntentRecord | InDoubtRecord) -> _Judgement:
        """Return the verdict on a create without a clear outcome; an entry at its address may be of it."""
        reason = "no answer is known" if isinstance(record, IntentRecord) else record.answer.reason
        intent, entry = self._intents.get(record.address), self._exams.get(record.address)
        if intent is not None and intent.attempt == _attempt(record):
            if isinstance(record, InDoubtRecord) and intent.answer is None:
                return _Judgement(RecoveryVerdict.RECORDED, f"in doubt: {reason}")
            return _Judgement(RecoveryVerdict.KNOWN, "is in doubt in state too")
        settled = self._resolutions.get(_attempt(record))
        if settled is not None:
            return _Judgement(RecoveryVerdict.KNOWN, f"was in doubt; {settled.by} settled it")
        if isinstance(record, IntentRecord) and entry is not None and entry.digest == record.intent.digest:
            return _Judgement(RecoveryVerdict.KNOWN, f"state holds {entry.sid} there")
        if self._is_free(record):
            return _Judgement(RecoveryVerdict.RECORDED, f"in doubt: {reason}")
        hint = f"{_LOOK} adopt it if it is there: {command('import', record.address, 'SID')}"
        return _Judgement(
            RecoveryVerdict.UNKNOWN, f"was in doubt ({reason}), and state does not know of it", hint
        )


def _attempt(record: Record) -> AttemptId:
    return record.intent.attempt if isinstance(record, IntentRecord) else record.attempt
