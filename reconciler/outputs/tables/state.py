"""The exams in state as CSV: for those in doubt, a sheet to fill in and give to `resolve --from`."""

from collections.abc import Iterator
from typing import Final

from reconciler.model.instants import instant_in_words
from reconciler.model.payloads import Payload
from reconciler.model.state import State
from reconciler.outputs.exam_facts import local_window, title_of
from reconciler.outputs.in_doubt import in_doubt_reports_of_state
from reconciler.outputs.invocation import NO_OPTIONS
from reconciler.outputs.tables.csv_cells import csv_text

_HEAD: Final = (
    "address",
    "attempt",
    "sid",
    "title",
    "install",
    "course",
    "exam opens",
    "exam closes",
    "sent or created",
    "answer",
    "request id",
    "SIDs in the answer",
)


def state_csv(state: State) -> str:
    """Return the exams of `state` by address, times in UTC. The `sid` of an exam in doubt is empty."""
    rows = sorted([*_created(state), *_doubts(state)])
    return csv_text([_HEAD, *rows])


def _created(state: State) -> Iterator[tuple[str, ...]]:
    for address, entry in state.exams.items():
        place, at = (entry.install_sid, entry.course_sid), instant_in_words(entry.created_at)
        window = _window(entry.payload)
        yield address, "", entry.sid, title_of(entry.payload), *place, *window, at, "", "", ""


def _doubts(state: State) -> Iterator[tuple[str, ...]]:
    for address, doubt in in_doubt_reports_of_state(state, NO_OPTIONS).items():
        facts, window = doubt.support_facts, _window(doubt.intent.payload)
        place, told = (facts["Install SID"], facts["Course SID"]), (facts["Answer"], facts["Request id"])
        sent, sids = facts["Sent at"], facts["SIDs in it"]
        yield address, facts["Our attempt"], "", doubt.title, *place, *window, sent, *told, sids


def _window(payload: Payload) -> Iterator[str]:
    for moment in local_window(payload, "exam", None):
        yield "" if moment is None else instant_in_words(moment)
