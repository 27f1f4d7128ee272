"""Writes the exams of a table as a manifest: with defaults, and comments where a person must look."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import PurePath
from typing import Final

from msgspec import Struct

from reconciler.drafting.cell_values import NO_URL
from reconciler.drafting.exams import TableExam
from reconciler.drafting.fields import fields
from reconciler.drafting.rows import PASSWORD, Path
from reconciler.drafting.scalars import scalar, text_scalar
from reconciler.manifest.exam.dates import DATE_FIELDS
from reconciler.model.identities import as_yaml
from reconciler.model.outside_text import tamed
from reconciler.model.payloads import Json

TO_FILL_IN: Final = "TO FILL IN"
"""What marks a gap in comments."""

_CONFIGURATION: Final = "configuration"
_COURSE: Final = ("course",)
_COURSE_SID: Final = ("courseSid",)
_TITLE: Final = ("title",)
_TYPE: Final = ("type",)
_URL: Final = ("url",)
_ASSUMED: Final[Mapping[Path, Json]] = {
    _TYPE: "Online",
    ("useProctorManager",): True,
    ("requireApproval",): False,
    ("enableAppointmentSuggestions",): True,
    ("examDeliverySystemModule",): "canvas",
}
"""Values of required fields for exams whose table does not give them."""
_OF_ONE: Final = frozenset({_TITLE, _URL, PASSWORD, (_CONFIGURATION, "apiExamId"), ("description",)})
"""Fields that belong to one exam, even if several have the same value."""
_OF_ALL: Final = frozenset({_COURSE, _COURSE_SID, *((_CONFIGURATION, name) for name in DATE_FIELDS)})
"""Fields that are defaults only if no exam differs."""
_FIRST: Final = (
    "course",
    "courseSid",
    "title",
    "timezone",
    "type",
    "url",
    *DATE_FIELDS,
    "duration",
    "attempts",
    "password",
)
_NOT_GIVEN: Final = "the table does not give it"


class DraftExam(Struct, frozen=True):
    """An exam as the draft has it: `values` are YAML by path, `assumed` those that the table does not give.

    `gaps` are required or open fields without a value, with the reason.
    """

    exam: TableExam
    values: dict[Path, str]
    assumed: Collection[Path]
    gaps: Mapping[Path, str]


class Header(Struct, frozen=True, kw_only=True):
    """What holds for the whole draft; None for what the table does not give.

    `install_needed` and `zone_needed` say whether a person has to fill it in. `courses` are those that the
    environments do not define.
    """

    file: str
    install_sid: str | None
    install_needed: bool
    timezone: str | None
    zone_needed: bool
    courses: Mapping[str, str | None]


def draft_exam(exam: TableExam, timezone: str | None) -> DraftExam:
    """Return `exam` as the draft has it, with assumed values; `timezone` is that of the whole draft."""
    row = exam.row
    values = {path: _spelt(path, value) for path, value in row.values.items()}
    gaps = dict(row.gaps)
    if exam.title:
        values[_TITLE] = text_scalar(exam.title)
    if exam.course is not None:
        values[_COURSE] = text_scalar(exam.course)
    elif exam.course_sid is not None:
        values[_COURSE_SID] = exam.course_sid
    if exam.variable is not None:
        values[PASSWORD] = f"{{fromEnv: {exam.variable}}}"
    if "timezone" in row.others and timezone is None:
        values["timezone",] = text_scalar(row.others["timezone"])
    assumed = {path: scalar(value) for path, value in _ASSUMED.items() if path not in {*values, *gaps}}
    if _TYPE in assumed and row.values.get(_URL) == NO_URL:
        assumed[_TYPE] = "Written"
    values |= assumed
    if values.get(_TYPE) == "Written" and _URL not in values:
        assumed[_URL] = values[_URL] = NO_URL
    needed = (_TITLE, _URL) if _COURSE_SID in values else (_COURSE, _TITLE, _URL)
    gaps |= {path: _NOT_GIVEN for path in needed if path not in values}
    return DraftExam(exam, values, assumed, gaps)


def manifest_text(header: Header, exams: Sequence[DraftExam]) -> str:
    """Return the manifest of `exams`, in their order."""
    defaults = _defaults(exams)
    assumed = frozenset(
        path for exam in exams for path in exam.assumed if exam.values[path] == defaults.get(path)
    )
    lines = [*_header(header)]
    if defaults:
        lines += ["defaults:", *_block(defaults, assumed, "  ")]
    lines.append("exams:" if exams else "exams: {}")
    for exam in exams:
        lines += _exam(exam, defaults, header.file)
    adopted = [
        (each.exam.address, each.exam.row.others["sid"]) for each in exams if "sid" in each.exam.row.others
    ]
    if adopted:
        lines.append("imports:")
        lines += [f"  - {{exam: {as_yaml(address)}, sid: {sid}}}" for address, sid in adopted]
    return "\n".join(lines) + "\n"


def _header(header: Header) -> Iterator[str]:
    yield f"# Drafted from {_name(header.file)}."
    yield f"# Look at what is marked as {TO_FILL_IN} or as assumed, and remove the marks."
    yield "version: 1"
    if header.install_sid is not None:
        yield f"installSid: {header.install_sid}"
    elif header.install_needed:
        yield f"# installSid: AI…  # {TO_FILL_IN}, here or for each environment in reconciler.yaml"
    if header.timezone is not None:
        yield f"timezone: {text_scalar(header.timezone)}"
    elif header.zone_needed:
        yield f"# timezone: America/New_York  # {TO_FILL_IN}: the zone of the times below"
    known = [alias for alias, sid in header.courses.items() if sid is not None]
    unknown = [alias for alias, sid in header.courses.items() if sid is None]
    if known:
        yield "courses:"
        yield from (f"  {text_scalar(alias)}: {header.courses[alias]}" for alias in known)
    elif unknown:
        yield f"# courses:  # {TO_FILL_IN}, here or for each environment in reconciler.yaml"
    mark = f"  # {TO_FILL_IN}" if known else ""
    yield from (f"#   {text_scalar(alias)}: CU…{mark}" for alias in unknown)


def _defaults(exams: Sequence[DraftExam]) -> dict[Path, str]:
    """Return the values that all or most of several exams share; fields that an exam lacks have none."""
    counts: dict[Path, Counter[str]] = {}
    for exam in exams:
        for path, value in exam.values.items():
            if path not in _OF_ONE:
                counts.setdefault(path, Counter())[value] += 1
    found = {}
    for path, count in counts.items():
        value, number = count.most_common(1)[0]
        enough = len(exams) if path in _OF_ALL else len(exams) // 2 + 1
        if count.total() == len(exams) > 1 and number >= enough:
            found[path] = value
    return found


def _exam(exam: DraftExam, defaults: Mapping[Path, str], file: str) -> Iterator[str]:
    row, address = exam.exam.row.row, exam.exam.address
    sheet = f"[{row.sheet}] row " if row.sheet else ":"
    yield f"  {as_yaml(address)}:  # {_name(file)}{sheet}{row.at().line}"
    for path, reason in exam.gaps.items():
        yield f"    # {'.'.join(path)}: …  # {TO_FILL_IN}: {reason}"
    own = {path: value for path, value in exam.values.items() if defaults.get(path) != value}
    yield from _block(own, exam.assumed, "    ")
    if not any(path[0] == _CONFIGURATION for path in (*own, *defaults)):
        yield f"    {_CONFIGURATION}: {{}}"


def _block(values: Mapping[Path, str], assumed: Iterable[Path], indent: str) -> Iterator[str]:
    """Yield the lines of `values`, those of the configuration last."""
    is_begun = False
    for path in sorted(values, key=_rank):
        if len(path) > 1 and not is_begun:
            yield f"{indent}{path[0]}:"
            is_begun = True
        mark = "  # assumed" if path in assumed else ""
        yield f"{indent}{'  ' * (len(path) - 1)}{path[-1]}: {values[path]}{mark}"


def _rank(path: Path) -> tuple[int, int]:
    return len(path), _ranks()[path[-1]]


@cache
def _ranks() -> Mapping[str, int]:
    """Return the place of each field in an exam."""
    return {name: place for place, name in enumerate(dict.fromkeys((*_FIRST, *fields())))}


def _spelt(path: Path, value: Json) -> str:
    """Return `value` as YAML; a date-time, which is text as well, needs no quotes."""
    return str(value) if path[-1] in DATE_FIELDS else scalar(value)


def _name(file: str) -> str:
    return tamed(PurePath(file).name)
