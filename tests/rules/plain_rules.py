"""Rules as their pages say them, without a thought of time: what the quick ones are held to.

Each gives for every finding the number of its exam, the last key of where it is shown, and a word that
tells it from others.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from typing import TypeAlias

from reconciler.model.lookalikes import latinised
from reconciler.model.payloads import canonical_bytes
from reconciler.model.rules import Context, Exam
from reconciler.rules.practice import is_practice

Found: TypeAlias = tuple[int, str | int | None, str]
Plain: TypeAlias = Callable[[Sequence[Exam], Context], Iterator[Found]]

ITEMS = (
    "BathroomBreak",
    "BlankPaper",
    "Calculator",
    "Dictionary",
    "Earplugs",
    "FormulaSheet",
    "Notes",
    "Textbook",
    "Websites",
)


def _unknown(exams: Sequence[Exam], context: Context) -> list[tuple[int, Exam]]:
    return [one for one in enumerate(exams) if one[1].address not in context.imported]


def over(exams: Sequence[Exam], context: Context) -> Iterator[Found]:
    """`window-over`."""
    for number, exam in _unknown(exams, context):
        closes = exam.instant("examCloseDate")
        if closes is not None and context.now is not None and closes <= context.now:
            yield number, "examCloseDate", "over"


def soon(exams: Sequence[Exam], context: Context) -> Iterator[Found]:
    """`window-soon`."""
    for number, exam in _unknown(exams, context):
        opens, closes, now = exam.instant("examOpenDate"), exam.instant("examCloseDate"), context.now
        if now is None or opens is None or opens - now >= timedelta(hours=24):
            continue
        if closes is None or closes > now:
            yield number, "examOpenDate", "24 hours" if opens > now else "already"


def short_notice(exams: Sequence[Exam], context: Context) -> Iterator[Found]:
    """`short-notice`, of exams in which only `live` and `automated` are proctor types."""
    for number, exam in _unknown(exams, context):
        opens, now, kinds = exam.instant("examOpenDate"), context.now, exam.configuration.get("proctorTypes")
        if now is None or opens is None or not timedelta(0) < opens - now < timedelta(days=14):
            continue
        if isinstance(kinds, list) and "live" in kinds:
            yield number, "examOpenDate", "'live'"
        elif exam.configuration.get("instructorAsProctor"):
            yield number, "examOpenDate", "instructor"


def overlaps(exams: Sequence[Exam], _: Context) -> Iterator[Found]:
    """`overlapping-windows`."""
    numbers = {exam: number for number, exam in enumerate(exams)}
    asked = [exam for exam in exams if _is_for_everybody(exam)]
    asked.sort(key=lambda exam: (exam.install_sid, exam.course_sid, _text(exam, "Open"), exam.address))
    for _course, group in groupby(asked, key=lambda exam: (exam.install_sid, exam.course_sid)):
        latest: Exam | None = None
        for exam in group:
            if latest is not None and _text(exam, "Open") < _text(latest, "Close"):
                yield numbers[exam], "examOpenDate", f"'{latest.address}'"
            if latest is None or _text(exam, "Close") > _text(latest, "Close"):
                latest = exam


def _text(exam: Exam, which: str) -> str:
    return str(exam.date(f"exam{which}Date"))


def _is_for_everybody(exam: Exam) -> bool:
    opens, closes = exam.date("examOpenDate"), exam.date("examCloseDate")
    return (
        opens is not None
        and closes is not None
        and opens < closes
        and exam.payload.get("isLimitedScope") is not True
        and exam.payload.get("status") != "deleted"
        and not is_practice(exam.title)
    )


def too_long(exams: Sequence[Exam], _: Context) -> Iterator[Found]:
    """`duration-too-long`."""
    for number, exam in enumerate(exams):
        minutes = exam.configuration.get("duration")
        opens, closes = exam.instant("examOpenDate"), exam.instant("examCloseDate")
        if opens is None or closes is None or opens >= closes or isinstance(minutes, bool):
            continue
        if isinstance(minutes, int | float) and minutes > 0:
            window = closes - opens
            if minutes > 10**10 or timedelta(minutes=minutes) > window:
                yield number, "duration", "minutes"


def information(exams: Sequence[Exam], _: Context) -> Iterator[Found]:
    """`information-not-permitted`."""
    for number, exam in enumerate(exams):
        for item in ITEMS:
            permitted = exam.configuration.get(f"permitted{item}")
            if exam.configuration.get(f"permitted{item}Information") and permitted is not True:
                yield number, f"permitted{item}Information", "false" if permitted is False else "not given"


def calculators(exams: Sequence[Exam], _: Context) -> Iterator[Found]:
    """`calculator-not-permitted`."""
    for number, exam in enumerate(exams):
        permitted = exam.configuration.get("permittedCalculator")
        if exam.configuration.get("virtualCalculatorType") and permitted is not True:
            yield number, "virtualCalculatorType", "false" if permitted is False else "not given"


def spaces(exams: Sequence[Exam], _: Context) -> Iterator[Found]:
    """`title-spaces`, of titles without white space other than spaces, tabs and line ends."""
    for number, exam in enumerate(exams):
        title = exam.title
        if not title.strip():
            yield number, "title", "empty"
        elif title[0].isspace():
            yield number, "title", "begins"
        elif title[-1].isspace():
            yield number, "title", "ends"
        elif "  " in title or "\t" in title or "\n" in title:
            yield number, "title", "more than one"


def practice(exams: Sequence[Exam], _: Context) -> Iterator[Found]:
    """`practice-title`."""
    for number, exam in enumerate(exams):
        if "[Practice]" not in exam.title and is_practice(exam.title):
            yield number, "title", "practice"


def same_exam(exams: Sequence[Exam], context: Context) -> Iterator[Found]:
    """`same-exam`."""
    for number, other in _pairs(exams, _new(exams, context), _folded, by=lambda exam: exam.course_sid):
        yield number, "title", f"'{exams[other].address}'"


def near_identical(exams: Sequence[Exam], context: Context) -> Iterator[Found]:
    """`near-identical`."""
    new = _new(exams, context)
    sketches = [_sketch(exams[number]) for number in new]
    by_sketch = sorted(new, key=lambda number: sketches.index(_sketch(exams[number])))
    reported = set[int]()
    for number, other in _pairs(exams, by_sketch, _content):
        if _folded(exams[number]) != _folded(exams[other]):
            reported.add(number)
            yield number, None, f"'{exams[other].address}'"
    for number, other in _pairs(exams, new, _letters):
        if number not in reported and _folded(exams[number]) != _folded(exams[other]):
            yield number, "title", f"'{exams[other].address}'"


def _new(exams: Sequence[Exam], context: Context) -> list[int]:
    return [number for number, exam in enumerate(exams) if exam.address not in context.imported]


def _pairs(
    exams: Sequence[Exam],
    numbers: Sequence[int],
    key: Callable[[Exam], object],
    by: Callable[[Exam], object] = lambda exam: (exam.install_sid, exam.course_sid),
) -> Iterator[tuple[int, int]]:
    """Each exam that has `key` in common with others of its course, and the first of these, by groups."""
    groups: dict[object, list[int]] = {}
    for number in numbers:
        exam = exams[number]
        groups.setdefault((by(exam), key(exam)), []).append(number)
    for group in groups.values():
        for number in group if len(group) > 1 else ():
            yield number, group[1] if number == group[0] else group[0]


def _folded(exam: Exam) -> str:
    shown = "".join(
        char
        for char in unicodedata.normalize("NFKC", exam.title)
        if char.isspace() or unicodedata.category(char) not in {"Cf", "Cc"}
    )
    return " ".join(unicodedata.normalize("NFKC", shown.casefold()).split())


def _letters(exam: Exam) -> str:
    return re.sub(r"[\W_]+", "", latinised(exam.title).casefold()) or exam.title


def _sketch(exam: Exam) -> object:
    return exam.install_sid, exam.course_sid, exam.payload.get("url"), exam.date("examOpenDate")


def _content(exam: Exam) -> bytes:
    return canonical_bytes(
        {key: value for key, value in exam.payload.items() if key not in {"title", "description"}}
    )


def long_windows(exams: Sequence[Exam], _: Context) -> Iterator[Found]:
    """`long-window`."""
    for number, exam in enumerate(exams):
        for kind in ("exam", "schedule"):
            opens, closes = exam.instant(f"{kind}OpenDate"), exam.instant(f"{kind}CloseDate")
            if opens is not None and closes is not None and closes - opens > timedelta(days=200):
                yield number, f"{kind}CloseDate", "longer than a term"


PLAIN: dict[str, Plain] = {
    "window-over": over,
    "window-soon": soon,
    "short-notice": short_notice,
    "overlapping-windows": overlaps,
    "duration-too-long": too_long,
    "long-window": long_windows,
    "information-not-permitted": information,
    "calculator-not-permitted": calculators,
    "title-spaces": spaces,
    "practice-title": practice,
    "same-exam": same_exam,
    "near-identical": near_identical,
}
