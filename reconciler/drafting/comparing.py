"""Compares the exams of a table with those that are declared."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from reconciler.drafting.cells import Findings
from reconciler.drafting.exams import TableExam, course_key
from reconciler.drafting.rows import PASSWORD, Path
from reconciler.manifest.exam.dates import DATE_FIELDS, BadDateTime, normalized
from reconciler.model.comparison import ComparedExam, Comparison, FieldDifference
from reconciler.model.declarations import Declaration, Declared
from reconciler.model.identities import Address, ExamSid
from reconciler.model.payloads import Json, value_of
from reconciler.model.sameness import folded
from reconciler.zones import zone_of

_TITLE: Final = ("title",)
_URL: Final = ("url",)
_NOT_COMPARED: Final = frozenset({_TITLE, ("examDeliverySystemModule",)})
"""Fields that are compared in another way, or that the reader of a table may have assumed."""

_Key = TypeVar("_Key")
_Keys = tuple[str, Callable[[TableExam], Hashable], Callable[[Declaration], Hashable]]
"""What two exams have in common, and the keys that are equal then; None for an exam without a key."""


def compare(exams: Sequence[TableExam], declared: Declared, findings: Findings) -> Comparison:
    """Return how `exams` and the declared ones go together; report date-times that cannot be compared."""
    pairs = _matched(exams, declared)
    found = [_compared(exam, pairs.get(index), findings) for index, exam in enumerate(exams)]
    matched = {declaration.address for declaration, _ in pairs.values()}
    left = [each for each in declared.exams if each.address not in matched]
    alone = [
        ComparedExam(title=_title(each), address=each.address, declared_at=each.declared_at) for each in left
    ]
    return Comparison((*found, *alone))


def _matched(exams: Sequence[TableExam], declared: Declared) -> dict[int, tuple[Declaration, str]]:
    """Return the declaration of each exam by its index, and what both share; the surest keys come first."""
    pairs = dict[int, tuple[Declaration, str]]()
    left = {each.address: each for each in declared.exams}
    for name, key, declared_key in _keys({each.address: each.sid for each in declared.imports}):
        mine = _unique((index, key(exam)) for index, exam in enumerate(exams) if index not in pairs)
        theirs = _unique((address, declared_key(each)) for address, each in left.items())
        for value, index in mine.items():
            if value in theirs:
                pairs[index] = left.pop(theirs[value]), name
    return pairs


def _unique(keys: Iterable[tuple[_Key, Hashable]]) -> dict[Hashable, _Key]:
    """Return the exams by their keys, without those that have none or share one."""
    found, shared = dict[Hashable, _Key](), set[Hashable]()
    for exam, key in keys:
        if key in found:
            shared.add(key)
        elif key is not None:
            found[key] = exam
    return {key: exam for key, exam in found.items() if key not in shared}


def _keys(sids: Mapping[Address, ExamSid]) -> Sequence[_Keys]:
    return (
        ("sid", lambda exam: exam.row.others.get("sid"), lambda each: sids.get(each.address)),
        ("address", lambda exam: exam.row.others.get("address"), lambda each: each.address),
        ("url", lambda exam: _quiz(exam.row.values.get(_URL)), lambda each: _quiz(each.payload.get("url"))),
        (
            "course and title",
            lambda exam: (exam.course_sid, folded(exam.title)) if exam.course_sid else None,
            lambda each: (each.course_sid, folded(_title(each))),
        ),
        (
            "course and title",
            lambda exam: (course_key(exam.course), folded(exam.title)) if exam.course else None,
            lambda each: (course_key(each.course), folded(_title(each))) if each.course else None,
        ),
        ("address", lambda exam: exam.address, lambda each: each.address),
        (
            "address in a term",
            lambda exam: exam.address if exam.course else None,
            lambda each: each.address.partition("/")[2],
        ),
        (
            "title",
            lambda exam: (
                folded(exam.title) if exam.title and exam.course is exam.course_sid is None else None
            ),
            lambda each: folded(_title(each)),
        ),
    )


def _compared(exam: TableExam, pair: tuple[Declaration, str] | None, findings: Findings) -> ComparedExam:
    if pair is None:
        return ComparedExam(title=exam.title, drafted_as=exam.address, in_table=exam.row.row.at())
    declaration, matched_by = pair
    return ComparedExam(
        title=_title(declaration),
        address=declaration.address,
        in_table=exam.row.row.at(),
        declared_at=declaration.declared_at,
        matched_by=matched_by,
        timezone=declaration.timezone,
        differences=tuple(_differences(exam, declaration, findings)),
    )


def _differences(exam: TableExam, declaration: Declaration, findings: Findings) -> Iterator[FieldDifference]:
    """Yield the fields in which the table disagrees; what a table leaves open is not compared."""
    title = _title(declaration)
    if exam.title and title not in {exam.title, exam.row.title}:
        yield FieldDifference("title", exam.row.title, title)
    if exam.course_sid is not None and exam.course_sid != declaration.course_sid:
        yield FieldDifference("courseSid", exam.course_sid, declaration.course_sid)
    for path, value in exam.row.values.items():
        if path in _NOT_COMPARED:
            continue
        given = _instant(exam, path, declaration, findings) if path[-1] in DATE_FIELDS else value
        found = value_of(declaration.payload, path)
        if given is not None and given != found:
            yield FieldDifference(".".join(path), given, found)
    has_code = value_of(declaration.payload, PASSWORD) is not None
    if exam.row.has_code not in {None, has_code}:
        yield FieldDifference(".".join(PASSWORD), exam.row.has_code, has_code)


def _instant(exam: TableExam, path: Path, declaration: Declaration, findings: Findings) -> str | None:
    """Return a date-time of the table in UTC, local times in the zone of the table or the declaration."""
    zone = exam.row.others.get("timezone", declaration.timezone)
    try:
        return normalized(str(exam.row.values[path]), None if zone is None else zone_of(zone))
    except BadDateTime as error:
        hint = error.hint
        if error.code == "no-timezone":
            hint = "Add a column `timezone` to the table, or `timezone:` to the manifest."
        findings.error(error.code, exam.row.places[path], error.message, hint)
        return None


def _title(declaration: Declaration) -> str:
    return str(declaration.payload.get("title", ""))


def _quiz(url: Json) -> str | None:
    """Return the URL of a quiz; None for `N/A` and the like."""
    return url if isinstance(url, str) and url.startswith("http") else None
