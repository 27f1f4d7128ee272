"""Drafts a manifest from the exams of a table, and names what a person has to fill in."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from reconciler.drafting.cells import Findings
from reconciler.drafting.manifest_text import DraftExam, Header, draft_exam, manifest_text
from reconciler.drafting.rows import PASSWORD, Path
from reconciler.drafting.table_file import TableExams
from reconciler.manifest.exam.dates import DATE_FIELDS
from reconciler.model.destination import Environment
from reconciler.model.secrets import Unprintable

_CODE: Final = "to-fill-in"
_WHERE: Final = "into the draft, unless each environment in reconciler.yaml has it"
_WITHOUT_COLUMN: Final[Mapping[Path, str]] = {
    ("title",): "Write the titles into the draft, or say with --map FILE.yaml which column holds them.",
    ("url",): "Write the addresses of the quizzes into the draft, or add a column `url` to the table.",
    ("course",): "Write `course:` for each exam, or under `defaults`, or add a column `course` to the table.",
}
"""Fields that are reported once if the table has no column for them, with the hint."""
_LOCAL: Final = re.compile(r"[0-9-]+T[0-9:]+")
"""A date-time without an offset."""


class Draft(Unprintable, frozen=True):
    """The text of a manifest, the number of its exams, and their access codes by their variables."""

    text: str
    exams: int
    codes: Mapping[str, str]

    @property
    def shell_text(self) -> str:
        """The access codes as lines of a shell: `NAME='value'`."""
        quoted = {name: code.replace("'", "'\\''") for name, code in self.codes.items()}
        return "".join(f"{name}='{code}'\n" for name, code in quoted.items())


def draft(table: TableExams, findings: Findings, environments: Sequence[Environment] = ()) -> Draft:
    """Return the manifest of the exams in `table`; report its gaps, and the values that are assumed.

    What each of `environments`, those of the workspace, defines is no gap.
    """
    environments = environments or (Environment(),)
    timezone = _shared(table, "timezone")
    exams = [draft_exam(exam, timezone) for exam in table.exams]
    header = Header(
        file=table.name,
        install_sid=_install(table, findings),
        install_needed=any(each.install_sid is None for each in environments),
        timezone=timezone,
        zone_needed=any(_is_local(exam, timezone) for exam in exams)
        and any(each.timezone is None for each in environments),
        courses={
            alias: sid
            for alias, sid in ((each.course, each.course_sid) for each in table.exams)
            if alias is not None and (sid or any(alias not in each.courses for each in environments))
        },
    )
    _report_gaps(table, header, exams, findings)
    codes = {
        each.variable: each.row.code.value
        for each in table.exams
        if each.variable is not None and each.row.code is not None
    }
    return Draft(manifest_text(header, exams), len(exams), codes)


def report_codes(table: TableExams, findings: Findings) -> None:
    """Report that the access codes of the table go nowhere, if it has any."""
    places = [each.row.places[PASSWORD] for each in table.exams if each.variable is not None]
    if places:
        findings.warn(
            _CODE,
            places[0],
            f"the draft has variables in place of the access codes ({len(places):,})",
            "Set them where `apply` runs; --secrets-out FILE writes them for a shell.",
        )


def _install(table: TableExams, findings: Findings) -> str | None:
    """Return the SID of the install of all exams, if the table names one; report a second one."""
    first: str | None = None
    for exam in table.exams:
        sid = exam.row.others.get("installSid")
        first = first or sid
        if sid not in {None, first}:
            findings.error(
                "bad-cell",
                exam.row.places["installSid",],
                "this is another install than in the rows above",
                "A manifest has one install: make a table for each.",
            )
            break
    return first


def _shared(table: TableExams, name: str) -> str | None:
    """Return the text that all exams have in the column `name`; None if one has another, or none."""
    found = {exam.row.others.get(name) for exam in table.exams}
    return found.pop() if len(found) == 1 else None


def _is_local(exam: DraftExam, timezone: str | None) -> bool:
    """Return whether a date-time of `exam` needs the zone of the whole file."""
    dates = (value for path, value in exam.values.items() if path[-1] in DATE_FIELDS)
    has_zone = timezone is not None or "timezone" in exam.exam.row.others
    return not has_zone and any(map(_LOCAL.fullmatch, dates))


def _report_gaps(table: TableExams, header: Header, exams: Sequence[DraftExam], findings: Findings) -> None:
    head = table.heads[0][0].at()
    if header.install_sid is None and header.install_needed:
        hint = f"Write the SID of your install (AI…) {_WHERE}."
        findings.warn(_CODE, head, "`installSid` is to be filled in", hint)
    if header.timezone is None and header.zone_needed:
        hint = f"The times of the table are local: write their zone {_WHERE}."
        findings.warn(_CODE, head, "`timezone` is to be filled in", hint)
    _report_courses(table, header, findings)
    named = frozenset[str]().union(*(fields for _, fields in table.heads))
    of_all = [path for path in _WITHOUT_COLUMN if path[0] not in named]
    for path in of_all:
        if any(path in exam.gaps for exam in exams):
            message = f"`{path[0]}` is to be filled in for each exam: no column gives it"
            findings.warn(_CODE, head, message, _WITHOUT_COLUMN[path])
    for exam in exams:
        for path, reason in exam.gaps.items():
            if path not in of_all:
                at = exam.exam.row.places.get(path, exam.exam.row.row.at())
                message = f"`{path[-1]}` of '{exam.exam.address}' is to be filled in: {reason}"
                findings.warn(_CODE, at, message, "Its place in the draft is marked.")
    assumed = dict.fromkeys(path[0] for exam in exams for path in exam.assumed)
    if assumed:
        findings.warn(
            "assumed",
            head,
            f"assumed, as the table does not say it: {', '.join(f'`{name}`' for name in assumed)}",
            "They are marked in the draft: correct those that are wrong.",
        )


def _report_courses(table: TableExams, header: Header, findings: Findings) -> None:
    """Name each course whose SID is to be filled in, at the first row that names the course."""
    unknown = {alias for alias, sid in header.courses.items() if sid is None}
    for exam in table.exams:
        alias = exam.course
        if alias in unknown:
            unknown.remove(alias)
            at = exam.row.places["course",]
            message = f"the SID of the course '{alias}' is to be filled in"
            findings.warn(_CODE, at, message, f"Write it (CU…) {_WHERE}.")
