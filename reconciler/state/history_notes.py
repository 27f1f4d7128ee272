"""Notes on changes of state, in words, for stores that keep a history. They hold no secret."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from reconciler.model.records import CreatedRecord, FailedRecord, InDoubtRecord, IntentRecord, Record
from reconciler.model.state import State

_MOST_LINES: Final = 200
_KINDS: Final[Mapping[type[Record], str]] = {
    IntentRecord: "about to be created",
    CreatedRecord: "created",
    FailedRecord: "failed",
    InDoubtRecord: "in doubt",
}


def note_of_records(records: Iterable[Record]) -> str:
    """Return one line that counts `records`, then a line for each."""
    told = [(_KINDS[type(record)], _line(record)) for record in records]
    return _note(Counter(kind for kind, _ in told), [line for _, line in told])


def note_of_change(before: State, after: State) -> str:
    """Return one line that counts what `after` gained and lost, then a line for each."""
    told = [*_gained(before, after), *_lost(before, after)]
    if not told:
        return f"state {after.serial}"
    return _note(Counter(kind for kind, _ in told), [line for _, line in told])


def _note(kinds: Counter[str], lines: list[str]) -> str:
    headline = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    rest = [f"… and {len(lines) - _MOST_LINES} more"] if len(lines) > _MOST_LINES else []
    return "\n".join((headline, "", *lines[:_MOST_LINES], *rest))


def _line(record: Record) -> str:
    if isinstance(record, CreatedRecord):
        return f"{record.address}: created as {record.sid}"
    return f"{record.address}: {_KINDS[type(record)]}"


def _gained(before: State, after: State) -> Iterator[tuple[str, str]]:
    for address, entry in after.exams.items():
        was = before.exams.get(address)
        if was is None or was.sid != entry.sid:
            yield "recorded", f"{address}: {entry.sid}"
    for address in after.intents:
        if address not in before.intents:
            yield "in doubt", f"{address}: in doubt"
    if after.service is not None and after.service != before.service:
        yield "service", f"bound to {after.service}"


def _lost(before: State, after: State) -> Iterator[tuple[str, str]]:
    for address, entry in before.exams.items():
        if address not in after.exams:
            yield "no longer recorded", f"{address}: {entry.sid} is no longer recorded here"
    for address in before.intents:
        if address not in after.intents:
            yield "no longer in doubt", f"{address}: no longer in doubt"
