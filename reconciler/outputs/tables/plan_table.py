"""A plan as CSV: one row for each change, one column for each field of any exam."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from reconciler.model.payloads import Json
from reconciler.model.plan import Change, Plan
from reconciler.outputs.exam_facts import (
    PASSWORD_PATH,
    local_window,
    payload_of,
    secret_words,
    sides_of,
)
from reconciler.outputs.exam_values import leaves_of, order_of
from reconciler.outputs.listing import Listing
from reconciler.outputs.tables.csv_cells import csv_text

_HEAD: Final = (
    "address",
    "action",
    "course",
    "title",
    "examOpens",
    "examCloses",
    "bookingOpens",
    "bookingCloses",
    "timezone",
    "sid",
    "attempt",
    "source",
    "differs",
    "installSid",
    "courseSid",
)
"""Columns in front of the fields of the payload; `title` stands here only."""


def plan_csv(plan: Plan, *, listing: Listing) -> str:
    """Return the listed changes of `plan` as CSV with a header.

    After the columns of `_HEAD` come all other fields that an exam has, by dotted path, most important first;
    if any exam has a term or a section, these are among them.
    """
    rows = [(change, dict(_fields(change))) for change in listing.of(plan)]
    paths = sorted({path for _, fields in rows for path in fields} - {"title"}, key=order_of)
    return csv_text(
        (
            (*_HEAD, *paths),
            *(
                (*_head_of(change), *(_cell(path, fields.get(path)) for path in paths))
                for change, fields in rows
            ),
        )
    )


def _fields(change: Change) -> Iterator[tuple[str, Json]]:
    """Yield the fields of the payload by path, and term and section if the exam has them."""
    yield from leaves_of(payload_of(change))
    own = (("term", change.term), ("section", change.section))
    yield from (field for field in own if field[1] is not None)


def _head_of(change: Change) -> Iterator[str]:
    payload = payload_of(change)
    yield from (change.address, change.action.value)
    yield change.course or ""
    yield _cell("title", payload.get("title"))
    for kind in ("exam", "schedule"):
        for moment in local_window(payload, kind, change.timezone):
            yield _local_time(moment)
    yield change.timezone or ""
    yield change.sid or ""
    yield "" if change.intent is None else change.intent.attempt
    yield "" if change.source is None else f"{change.source.file}:{change.source.line}"
    yield "; ".join(
        f"{one.path}: {before} \N{RIGHTWARDS ARROW} {after}"
        for one in change.diff
        for before, after in (sides_of(one, change.timezone),)
    )
    yield from (change.install_sid, change.course_sid)


def _local_time(moment: datetime | None) -> str:
    """Return `moment` as spreadsheets read it: date and time, without a zone."""
    return "" if moment is None else moment.replace(tzinfo=None).isoformat(" ", "seconds")


def _cell(path: str, value: Json) -> str:
    if value is None:
        return ""
    if path == PASSWORD_PATH:
        return secret_words(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
