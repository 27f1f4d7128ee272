"""The order of exams for readers."""

import output_cases as cases
from msgspec.structs import replace

from reconciler.model.identities import CourseSid
from reconciler.model.plan import Action, Change
from reconciler.outputs.ordering import by_time


def exam(address: str, title: str, opens: str | None, closes: str | None, *, course: str | None) -> Change:
    """A create with these dates; `course` None is a course without an alias."""
    body = cases.payload(title, examOpenDate=opens, examCloseDate=closes)
    sid = CourseSid(f"CU{'f' * 32}") if course is None else cases.COURSE
    return replace(cases.change(address, Action.CREATE, after=body), course=course, course_sid=sid)


def test_exams_are_by_course_and_time_with_finals_last() -> None:
    """Address and title decide only between exams of one course and one time; no date is after all dates."""
    morning, noon = "2031-12-10T09:00:00.000Z", "2031-12-10T12:00:00.000Z"
    ordered = [
        exam("z", "Quiz", "2031-09-01T09:00:00.000Z", None, course="Algebra"),
        exam("b", "Essay, part 2", None, morning, course="Algebra"),
        exam("c", "Finale of the opera", morning, noon, course="Algebra"),
        exam("d", "Quiz", morning, noon, course="Algebra"),
        exam("a", "FINAL exam", morning, noon, course="Algebra"),
        exam("e", "Makeup", noon, None, course="Algebra"),
        exam("f", "Oral", None, None, course="Algebra"),
        exam("g", "Finals", None, None, course="Algebra"),
        exam("h", "Alpha", morning, noon, course="biology 9"),
        exam("i", "Alpha", morning, noon, course="biology 9"),
        exam("k", "Alpha 9", morning, noon, course="biology 10"),
        exam("j", "Alpha 10", morning, noon, course="biology 10"),
        exam("0", "Alpha", morning, noon, course=None),
    ]
    shuffled = ordered[::-2] + ordered[1::2]
    assert [change.address for change in by_time(shuffled)] == [change.address for change in ordered]


def test_an_exam_of_nonsense_has_a_place_too() -> None:
    """Dates that are numbers and titles that are lists, as a saved plan may hold them, disturb nothing."""
    odd = cases.change("odd", Action.CREATE, after={"title": ["x"], "configuration": {"examOpenDate": 5}})
    empty = cases.change("empty", Action.IN_DOUBT)
    assert [change.address for change in by_time([odd, empty, cases.create("first")])] == [
        "first",
        "empty",
        "odd",
    ]
