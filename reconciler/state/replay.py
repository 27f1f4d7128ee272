"""Replay: applies the records of a log to a state."""

from collections.abc import Iterable
from typing import assert_never

from msgspec.structs import replace

from reconciler.model.identities import Address, AttemptId
from reconciler.model.records import (
    BrokenRecord,
    CreatedRecord,
    FailedRecord,
    InDoubtRecord,
    IntentRecord,
    LockRecord,
    LogRecord,
    Record,
    UnlockRecord,
)
from reconciler.model.state import Entry, Intent, State
from reconciler.state.state_format import refuse_contradictions
from reconciler.state.strict_json import MalformedError


class Replay:
    """A state to which records of its log are applied one by one."""

    def __init__(self, state: State) -> None:
        self.before = state
        self._exams, self._intents = dict(state.exams), dict(state.intents)
        self._service = state.service
        self._state: State | None = state
        self.has_news = False
        """Whether a record changed the state."""

    def apply(self, record: LogRecord) -> None:
        """Apply `record`. Raises MalformedError if it cannot follow the ones before it."""
        if isinstance(record, LockRecord | BrokenRecord | UnlockRecord):
            return
        self.has_news, self._state = True, None
        apply_record(record, self._exams, self._intents)
        if isinstance(record, IntentRecord):
            self._service = record.service or self._service

    def refuse(self, records: Iterable[Record]) -> None:
        """Raise MalformedError if `records` cannot follow what was applied."""
        exams = {one.address: self._exams[one.address] for one in records if one.address in self._exams}
        intents = {one.address: self._intents[one.address] for one in records if one.address in self._intents}
        for record in records:
            apply_record(record, exams, intents)

    @property
    def state(self) -> State:
        """The state as it is now, with the same serial. Raises MalformedError if it contradicts itself."""
        if self._state is None:
            exams, intents = dict(self._exams), dict(self._intents)
            after = replace(self.before, exams=exams, intents=intents, service=self._service)
            refuse_contradictions(after)
            self._state = after
        return self._state

    @property
    def folded_serial(self) -> int:
        """The serial that the state has once its log is folded into a snapshot."""
        return self.before.serial + self.has_news


def apply_record(record: Record, exams: dict[Address, Entry], intents: dict[Address, Intent]) -> None:
    """Apply `record` to `exams` and `intents`. Raises MalformedError if it cannot follow them."""
    match record:
        case IntentRecord(address=address, intent=intent):
            if address in exams or address in intents:
                raise MalformedError(f"the intent {intent.attempt} is for {address}, which is not free")
            intents[address] = intent
        case CreatedRecord(address=address):
            intent = _open_intent(intents, address, record.attempt)
            del intents[address]
            exams[address] = intent.as_created(record.sid, record.at, record.configuration_sid)
        case FailedRecord(address=address):
            _open_intent(intents, address, record.attempt)
            del intents[address]
        case InDoubtRecord(address=address):
            intents[address] = replace(_open_intent(intents, address, record.attempt), answer=record.answer)
        case _:
            assert_never(record)


def _open_intent(intents: dict[Address, Intent], address: Address, attempt: AttemptId) -> Intent:
    intent = intents.get(address)
    if intent is None or intent.attempt != attempt:
        raise MalformedError(f"an outcome of {address} names the attempt {attempt}, which is not open")
    return intent
