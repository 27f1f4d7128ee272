"""Names the exams of a table: addresses, aliases of courses, and variables of access codes."""

import re
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable
from typing import Final

from msgspec import Struct

from reconciler.drafting.cells import Findings
from reconciler.drafting.rows import ExamRow
from reconciler.model.diagnostics import Position
from reconciler.model.identities import Address, is_course_sid
from reconciler.model.sameness import folded
from reconciler.model.secrets import SECRET_VARIABLE_PREFIX

_LONGEST: Final = {"course": 40, "title": 60, "section": 20}
"""Most characters of each part of an address, so that a number behind them fits."""
_NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9]+")
_JOINED: Final = re.compile(r"(?<=[a-z])-(?=[0-9])")
_BETWEEN: Final = re.compile(r"[\s_-]+")


class TableExam(Struct, frozen=True, kw_only=True):
    """An exam of a table with its names.

    `course` is the alias of its course, None if the table names none; `course_sid` its SID, if known.
    `title` tells sections apart. `variable` is that of its access code, None for an exam without one.
    """

    row: ExamRow
    address: Address
    title: str
    course: str | None
    course_sid: str | None
    variable: str | None


class _Names:
    """Makes names unique: the second of a kind gets `-2` behind it."""

    def __init__(self, between: str = "-") -> None:
        self._between = between
        self._used = set[str]()
        self._counts = Counter[str]()

    def unique(self, name: str) -> str:
        """Return `name`, or `name` with the first number that is free."""
        free = name
        while free in self._used:
            self._counts[name] += 1
            free = f"{name}{self._between}{self._counts[name] + 1}"
        self._used.add(free)
        return free

    def reserve(self, names: Iterable[str]) -> None:
        """Never return one of `names`: exams have them already."""
        self._used.update(names)


def course_key(text: str) -> str:
    """Return what is equal for two spellings of one course: `CS 101`, `cs101` and `CS-101`."""
    return _BETWEEN.sub("", folded(text))


def named(rows: Iterable[ExamRow], findings: Findings) -> list[TableExam]:
    """Return `rows` with names, in their order; report rows that name one exam twice."""
    rows = list(rows)
    aliases, sids = _courses(rows, findings)
    titles = Counter(_title_key(row) for row in rows)
    addresses, variables, exams = _Names(), _Names("_"), list[TableExam]()
    addresses.reserve(row.others["address"] for row in rows if "address" in row.others)
    for row in rows:
        key = course_key(row.others.get("course", ""))
        course = aliases.get(key)
        section, title = row.others.get("section", ""), row.title
        address = row.others.get("address") or addresses.unique(_address(course, title, section))
        if title and section and titles[_title_key(row)] > 1:
            title = f"{title}, Section {section}"
        variable = f"{SECRET_VARIABLE_PREFIX}{_NOT_IN_NAMES.sub('_', address.casefold()).upper()}"
        exams.append(
            TableExam(
                row=row,
                address=Address(address),
                title=title,
                course=course,
                course_sid=sids.get(key) if course else _sid(row),
                variable=variables.unique(variable) if row.code is not None else None,
            )
        )
    _report_repeated(exams, findings)
    return exams


def _address(course: str | None, title: str, section: str) -> str:
    """Return an address in the parts' order, such as `cs101/midterm-1/001`."""
    parts = [course or "", _slug(title) or "exam", _slug(section)]
    lengths = _LONGEST.values()
    return "/".join(part[:most].strip("-") for part, most in zip(parts, lengths, strict=True) if part)


def _slug(text: str) -> str:
    """Return the letters and digits of `text` in lower case, without accents, and `-` between words."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return _NOT_IN_NAMES.sub("-", "".join(c for c in plain if not unicodedata.combining(c))).strip("-")


def _courses(rows: Iterable[ExamRow], findings: Findings) -> tuple[dict[str, str], dict[str, str]]:
    """Return the aliases and the SIDs of all courses, by their keys; report a course with two SIDs."""
    aliases, sids, names = dict[str, str](), dict[str, str](), _Names()
    for row in rows:
        written = row.others.get("course", "")
        key = course_key(written)
        if not key or is_course_sid(written):
            continue
        if key not in aliases:
            alias = _JOINED.sub("", _slug(written))[: _LONGEST["course"]].strip("-")
            aliases[key] = names.unique(alias or "course")
        sid = row.others.get("courseSid")
        if sid is not None and sids.setdefault(key, sid) != sid:
            findings.error(
                "bad-cell",
                row.places["courseSid",],
                f"the course '{aliases[key]}' has another SID in a row above",
                "Correct one of the two, or give the two courses different names.",
            )
    return aliases, sids


def _sid(row: ExamRow) -> str | None:
    """Return the SID of the course of a row that names no course."""
    written = row.others.get("course", "")
    return written if is_course_sid(written) else row.others.get("courseSid")


def _title_key(row: ExamRow) -> Hashable:
    return _course(row), folded(row.title)


def _course(row: ExamRow) -> str:
    return course_key(row.others.get("course", "")) or row.others.get("courseSid", "")


def _report_repeated(exams: Iterable[TableExam], findings: Findings) -> None:
    """Report each exam that is that of a row above: by its address, by its SID, or by course and title."""
    first = dict[Hashable, Position]()
    for exam in exams:
        row = exam.row
        keys: list[tuple[Hashable, Position]] = [
            ((name, row.others[name]), row.places[name,]) for name in ("address", "sid") if name in row.others
        ]
        if exam.title and "sid" not in row.others:  # two SIDs are two exams
            keys.append(((_course(row), folded(exam.title)), row.places["title",]))
        for key, at in keys:
            above = first.setdefault(key, at)
            if above is not at:
                findings.error(
                    "duplicate-row",
                    at,
                    f"this row names the exam of {above} again",
                    "Remove one of the two rows, or give each exam its own title, section, SID or `address`.",
                )
                break
