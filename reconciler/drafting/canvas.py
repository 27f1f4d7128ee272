"""Reads quizzes as Canvas exports them: the JSON of its list of quizzes, or several lists in a row."""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from reconciler.drafting.cells import MAX_CELL, Findings, Row, RowCounter, Sheet, Unreadable, Value
from reconciler.manifest.source import SourceText
from reconciler.model.diagnostics import Position

_FIELDS: Final = (
    "title",
    "html_url",
    "time_limit",
    "allowed_attempts",
    "access_code",
    "unlock_at",
    "lock_at",
    "course",
    "type",
    "examDeliverySystemModule",
)
"""The columns, in their order: fields of a quiz, then what follows from its being one of Canvas."""
_ALL_DATES: Final = "all_dates"
_DATES: Final = ("unlock_at", "lock_at")
_COURSE: Final = re.compile(r"/courses/([0-9]{1,20})(?:/|$)")
_BLANKS: Final = re.compile(r"[ \t\r\n]*")
_DECODER: Final = json.JSONDecoder()

_Members: TypeAlias = dict[str, tuple[Any, int]]
"""The members of an object by name: value and offset."""


def is_json(data: bytes) -> bool:
    """Return whether `data` begins as a JSON list or object."""
    return data[:64].removeprefix(codecs.BOM_UTF8).lstrip()[:1] in {b"[", b"{"}


def read_canvas(text: str, name: str, findings: Findings) -> list[Sheet]:
    """Return the quizzes in `text`, the file `name`, as a table. Raises Unreadable."""
    reader = _Reader(text, name)
    names = dict[int, Value](enumerate(_FIELDS, 1))
    head = Row(name, 1, names, places=dict.fromkeys(names, (1, 1)))
    rows, counter = [head], RowCounter(name)
    for start in reader.objects():
        counter.count(len(_FIELDS), reader.at(start).line)
        rows.append(_quiz(reader, start, findings))
    return [Sheet(rows)]


def _quiz(reader: "_Reader", start: int, findings: Findings) -> Row:
    """Return the quiz that begins at the offset `start`. Raises Unreadable."""
    members = reader.members(start)
    if "title" not in members:
        raise reader.wrong(start, "this is no quiz of Canvas: it has no `title`")
    _take_dates(members, reader, findings)
    url = members.get("html_url", ("", start))
    course = _COURSE.search(url[0]) if isinstance(url[0], str) else None
    if course is not None:
        members["course"] = f"course-{course[1]}", url[1]
    members |= {"type": ("Online", start), "examDeliverySystemModule": ("canvas", start)}
    values, places = dict[int, Value](), dict[int, tuple[int, int]]()
    for column, field in enumerate(_FIELDS, 1):
        value, offset = members.get(field, (None, start))
        at = reader.at(offset)
        places[column] = at.line, at.column
        if value is None or value == "" or (field == "allowed_attempts" and value == -1):  # -1 is any number
            continue
        if not isinstance(value, str | int | float) or (isinstance(value, str) and len(value) > MAX_CELL):
            raise Unreadable(
                f"`{field}` of this quiz is neither a short text nor a number",
                hint="Export the quizzes again, from the list of a course's quizzes.",
                at=at,
            )
        values[column] = _encodable(value) if isinstance(value, str) else value
    at = reader.at(start)
    return Row(at.file, at.line, values, places=places)


def _take_dates(members: _Members, reader: "_Reader", findings: Findings) -> None:
    """Take the window from `all_dates` where the quiz itself has none; warn of windows for some students."""
    dates, offset = members.get(_ALL_DATES, ([], 0))
    dates = [each for each in dates if isinstance(each, dict)] if isinstance(dates, list) else []
    base = next((each for each in dates if each.get("base") is True), dates[0] if len(dates) == 1 else {})
    for field in _DATES:
        if members.get(field, (None, 0))[0] is None and base.get(field) is not None:
            members[field] = base[field], offset
    own = [members.get(field, (None, 0))[0] for field in _DATES]
    others = sum(1 for each in dates if each is not base and [each.get(field) for field in _DATES] != own)
    if others:
        findings.warn(
            "not-read",
            reader.at(offset),
            f"this quiz has windows for sections or students ({others}), which are not read",
            "Declare an exam for each of them.",
        )


class _Reader:
    """Takes JSON apart member by member, so that each value has its offset."""

    def __init__(self, text: str, name: str) -> None:
        self._text = text
        self._source = SourceText(name, text)

    def at(self, offset: int) -> Position:
        """Return the position of `offset`."""
        return self._source.position(offset)

    def objects(self) -> Iterator[int]:
        """Yield the offset of each quiz: of the top level, or of a list there. Raises Unreadable."""
        at = self._skip(0)
        while at < len(self._text):
            if not self._text.startswith("[", at):
                yield at
                at = self._skip(self._value(at)[1])
                continue
            at = self._skip(at + 1)
            while not self._text.startswith("]", at):
                yield at
                at = self._next(self._value(at)[1], "]")
            at = self._skip(at + 1)

    def members(self, start: int) -> _Members:
        """Return the members of the object at `start`. Raises Unreadable."""
        if not self._text.startswith("{", start):
            raise self.wrong(start, "a quiz is expected here, as `{…}`")
        found, at = _Members(), self._skip(start + 1)
        while not self._text.startswith("}", at):
            name, at = self._value(at)
            at = self._skip(at)
            if not isinstance(name, str) or not self._text.startswith(":", at):
                raise self.wrong(at, "this is not JSON")
            at = self._skip(at + 1)
            value, end = self._value(at)
            found[name] = value, at
            at = self._next(end, "}")
        return found

    def _next(self, at: int, end: str) -> int:
        """Return the offset behind a comma, or that of the bracket `end`."""
        at = self._skip(at)
        if self._text.startswith(",", at):
            return self._skip(at + 1)
        if not self._text.startswith(end, at):
            raise self.wrong(at, "this is not JSON")
        return at

    def _value(self, at: int) -> tuple[Any, int]:
        try:
            return _DECODER.raw_decode(self._text, at)
        except (ValueError, RecursionError):
            raise self.wrong(at, "this is not JSON, or too deep") from None

    def _skip(self, at: int) -> int:
        found = _BLANKS.match(self._text, at)
        return at if found is None else found.end()

    def wrong(self, at: int, message: str) -> Unreadable:
        """Return the error for what is at the offset `at`."""
        return Unreadable(
            message,
            hint="Name the answer of Canvas' list of quizzes, `GET /api/v1/courses/…/quizzes`, as it came.",
            at=self.at(min(at, len(self._text))),
        )


def _encodable(text: str) -> str:
    """Return `text` with U+FFFD in place of each half of a character, which JSON can spell."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
