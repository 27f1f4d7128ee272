"""The fields that a table can give: what kind of value each has, and what its column may be called.

Fields of an exam have the API's own names and types, from the documented schema. The others say where an exam
belongs (`course`, `section`), that it exists (`sid`), or are a part of a date-time.
"""

import enum
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from msgspec import Struct

from reconciler import schemas
from reconciler.manifest.exam.dates import DATE_FIELDS


class Kind(enum.Enum):
    """The kind of value of a field."""

    TEXT = enum.auto()
    LINES = enum.auto()
    """Text that may have several lines."""
    NUMBER = enum.auto()
    BOOLEAN = enum.auto()
    DATE = enum.auto()
    LIST = enum.auto()
    SECRET = enum.auto()


class Field(Struct, frozen=True):
    """A field: its name in `--map`, its kind, and its path in an exam, which is empty for other fields.

    `choices` are the values that the schema allows; empty if it allows any.
    """

    name: str
    kind: Kind
    path: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()


IGNORED: Final = "ignore"
"""What `--map` says of a column that is not to be read."""

SYNONYMS: Final[Mapping[str, str]] = {
    "title": "name, exam, exam name, exam title, quiz, quiz name, quiz title, assessment, test, test name",
    "course": "course code, course number, course id, class, class code",
    "section": "exam section, course section, section number, sec",
    "type": "delivery method, delivery mode, delivery, mode, exam mode, modality, format",
    "url": "link, exam url, exam link, quiz url, quiz link, lms url, lms link, html url",
    "sid": "exam sid",
    "timezone": "tz",
    "examOpenDate": "window start, exam window start, window open, window opens, start, starts, starts at, "
    "start date time, start date and time, "
    "opens, opens at, open, open date, exam opens, exam start, unlock at, available from, "
    "from, begin, begins",
    "examCloseDate": "window end, exam window end, window close, window closes, end, ends, ends at, "
    "end date time, end date and time, "
    "closes, closes at, close, close date, exam closes, exam end, lock at, available until, "
    "until, to",
    "scheduleOpenDate": "booking start, booking opens, scheduling start, scheduling opens, schedule open",
    "scheduleCloseDate": "booking end, booking closes, scheduling end, scheduling closes, schedule close",
    "date": "exam date, day",
    "startDate": "exam start date, begin date",
    "startTime": "exam start time, begin time, open time, opening time",
    "endDate": "exam end date, closing date",
    "endTime": "exam end time, close time, closing time",
    "duration": "duration minutes, duration mins, duration min, minutes, time limit, time limit minutes, "
    "time limit mins, time limit min, length, length minutes, length min, time allowed, exam length, "
    "exam duration, exam duration minutes, exam duration mins, exam duration min",
    "durationHours": "duration hrs, hours, length hours",
    "attempts": "allowed attempts, attempts allowed, number of attempts",
    "password": "access code, exam password, quiz password, quiz access code, passcode",
    "apiExamId": "exam id, external id",
    "requiredSoftware": "software",
    "studentNotes": "notes for students, instructions",
    "proctorNotes": "notes for proctors",
}
"""What columns are called besides the name of the field; case, blanks and punctuation do not count."""

_OTHERS: Final = (
    *("address", "course", "courseSid", "installSid", "section", "sid", "timezone"),
    *("date", "startDate", "startTime", "endDate", "endTime", "durationHours"),
)
_DATES: Final = frozenset({*DATE_FIELDS, "date", "startDate", "startTime", "endDate", "endTime"})
_LINES: Final = frozenset({"description", "studentNotes", "proctorNotes"})
_KINDS: Final = {"number": Kind.NUMBER, "boolean": Kind.BOOLEAN, "array": Kind.LIST}
_NOT_A_LETTER: Final = re.compile(r"[\W_]+")


def folded_name(text: str) -> str:
    """Return the letters and digits of a column's name, without case."""
    return _NOT_A_LETTER.sub("", unicodedata.normalize("NFKC", text).casefold())


@cache
def fields() -> Mapping[str, Field]:
    """Return all fields by name."""
    body = schemas.load("create-exam")["properties"]
    found = {
        name: Field(name, Kind.NUMBER if name == "durationHours" else _kind(name, {})) for name in _OTHERS
    }
    for path, properties in (((), body), (("configuration",), body["configuration"]["properties"])):
        for name, schema in properties.items():
            if _is_plain(schema):
                found[name] = Field(name, _kind(name, schema), (*path, name), tuple(schema.get("enum", ())))
    return found


@cache
def fields_by_column() -> Mapping[str, Field]:
    """Return the fields by the folded names that their columns may have."""
    words = {folded_name(name): field for name, field in fields().items()}
    for name, synonyms in SYNONYMS.items():
        words.update(dict.fromkeys(map(folded_name, synonyms.split(", ")), fields()[name]))
    return words


def _is_plain(schema: Mapping[str, Any]) -> bool:
    """Return whether a cell can hold the value: a text, a number, true or false, or a list of texts."""
    if schema["type"] == "array":
        return bool(schema["items"]["type"] == "string")
    return bool(schema["type"] != "object")


def _kind(name: str, schema: Mapping[str, Any]) -> Kind:
    if name == "password":
        return Kind.SECRET
    if name in _DATES:
        return Kind.DATE
    return _KINDS.get(str(schema.get("type")), Kind.LINES if name in _LINES else Kind.TEXT)
