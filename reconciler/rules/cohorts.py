"""Rules about the exams of students who take the same courses: clashes, and too many exams on one day."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, timedelta
from functools import cache
from typing import Final

from msgspec import Struct

from reconciler.model.attendance import ExamWindow, is_for_everybody, is_sat, overlaps_of
from reconciler.model.cohorts import names_of
from reconciler.model.rules import Basis, Context, Exam, Finding, Rule, short
from reconciler.model.words import first_few
from reconciler.rules.windows import CLOSES, OPENS, date_path
from reconciler.zones import zone_of

_SHORT: Final = timedelta(days=1)
"""In a longer window students choose when to sit."""
_INSTANT: Final = timedelta(milliseconds=1)


class _Sitting(Struct, frozen=True):
    """An exam that students of a cohort sit, for `course`, which is written as in the cohort."""

    exam: Exam
    course: str


def _sittings(exams: Sequence[Exam], context: Context) -> Mapping[str, list[ExamWindow[_Sitting]]]:
    """Return by cohort the short windows in which its students sit exams, sorted.

    Sections of one exam count for one course, even if each is of a course of its own.
    """
    if not context.cohorts.courses:
        return {}
    found: dict[str, list[ExamWindow[_Sitting]]] = {}
    taking: dict[tuple[str | None, ...], Mapping[str, str]] = {}
    courses: dict[tuple[str, str], str] = {}
    for exam in exams:
        key = (exam.course, exam.term, exam.course_sid)
        if key not in taking:
            names = () if exam.course is None else names_of(exam.course, (exam.term,))
            taking[key] = context.cohorts.taking((*names, exam.course_sid))
        if taking[key] and _is_short(exam) and is_sat(exam.payload):
            opens, closes = str(exam.date(OPENS)), str(exam.date(CLOSES))
            for cohort, course in taking[key].items():
                sitting = _Sitting(exam, courses.setdefault((cohort, exam.exam_address), course))
                found.setdefault(cohort, []).append((opens, exam.address, closes, sitting))
    for windows in found.values():
        windows.sort(key=lambda window: window[:2])
    return found


def _is_short(exam: Exam) -> bool:
    opens, closes = exam.instant(OPENS), exam.instant(CLOSES)
    return opens is not None and closes is not None and opens < closes and closes - opens <= _SHORT


def _clash(exams: Sequence[Exam], context: Context) -> Iterator[Finding]:
    found: dict[tuple[Exam, Exam], list[str]] = {}
    for cohort, windows in _sittings(exams, context).items():
        for later, earlier in overlaps_of(windows, group_of=lambda window: window[-1].course):
            found.setdefault((later[-1].exam, earlier[-1].exam), []).append(cohort)
    for (exam, other), cohorts in found.items():
        more = f" and {len(cohorts) - 1} more" if len(cohorts) > 1 else ""
        yield Finding(
            exam=exam,
            path=date_path(OPENS),
            others=(date_path(CLOSES),),
            exams=(other,),
            message=f"students of '{short(cohorts[0])}'{more} sit '{other.address}' in the same hours",
            hint=f"That is open from {other.date(OPENS)} to {other.date(CLOSES)}. Move one of the two.",
        )


def _crowded_day(exams: Sequence[Exam], context: Context) -> Iterator[Finding]:
    most, day_of = context.cohorts.most_a_day, cache(_day_of)  # several cohorts sit one exam
    for cohort, windows in _sittings(exams, context).items():
        days: dict[date, list[_Sitting]] = {}
        for *_, sitting in windows:
            if (day := day_of(sitting.exam)) is not None:
                days.setdefault(day, []).append(sitting)
        for day, sittings in days.items():
            sat = _sat_by_one(sittings) if len(sittings) > most else []
            if len(sat) > most:
                *before, last = sat
                yield Finding(
                    exam=last,
                    path=date_path(OPENS),
                    others=(date_path(CLOSES),),
                    exams=tuple(before),
                    message=f"students of '{short(cohort)}' sit {len(sat)} exams on {day}",
                    hint=f"Before it they sit {first_few([each.address for each in before], between=', ')}. "
                    f"Move one, or raise `maxExamsADay` in reconciler.yaml, which is {most}.",
                )


def _day_of(exam: Exam) -> date | None:
    """Return the local day on which all students must sit `exam`; None if they may sit it on another one."""
    if not is_for_everybody(exam.payload):
        return None
    opens, closes = exam.instant(OPENS), exam.instant(CLOSES)
    zone = zone_of(exam.timezone or "") or UTC
    try:
        first = opens and opens.astimezone(zone).date()
        last = closes and (closes - _INSTANT).astimezone(zone).date()
    except OverflowError:  # near the first or last date that `datetime` knows
        return None
    return first if first == last else None


def _sat_by_one(sittings: Sequence[_Sitting]) -> list[Exam]:
    """Return those of `sittings` that one student may have to sit, in order.

    A student sits one section of an exam, and takes one of the courses that a glob of the cohort stands for.
    """
    taken: dict[str, dict[str, dict[str, Exam]]] = {}
    for each in sittings:
        sections = taken.setdefault(each.course, {}).setdefault(each.exam.course_sid, {})
        sections.setdefault(each.exam.exam_address, each.exam)
    chosen = {exam for courses in taken.values() for exam in max(courses.values(), key=len).values()}
    return [each.exam for each in sittings if each.exam in chosen]


RULES: Final = (
    Rule(
        code="cohort-clash",
        basis=Basis.WORKSPACE,
        summary="exams of different courses that students of one cohort sit in the same hours",
        check=_clash,
    ),
    Rule(
        code="exams-in-a-day",
        basis=Basis.WORKSPACE,
        summary="more exams of a cohort on one day than `maxExamsADay`",
        check=_crowded_day,
    ),
)
