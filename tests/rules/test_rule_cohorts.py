"""Cohorts: whose exams they are, which of them clash, and what the workspace file says of them."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_bench import BASE

from reconciler.manifest.workspace_file import load_workspace
from reconciler.model.cohorts import Cohorts, names_of
from reconciler.model.identities import Address, CourseSid, InstallSid
from reconciler.model.rules import Context, Exam
from reconciler.rules.registry import BUILT_IN
from reconciler.workspace import Workspace

START = datetime(2031, 11, 3, 8, tzinfo=UTC)
RULES = {rule.code: rule for rule in BUILT_IN}
COURSES = ("cs210", "math120", "stats-1", "stats-2", "alone")
COHORTS = {"year-2": ("cs210", "math120"), "year-3": ("math120", "stats-*", "stats-1")}


def exam(number: int, course: str, opens: int, hours: int, **more: Any) -> Exam:
    """An exam of `course` that is open for some hours."""
    fields = {key: more.pop(key) for key in ("term", "section", "timezone") if key in more}
    opening = START + timedelta(hours=opens)
    dates = {
        "examOpenDate": f"{opening:%Y-%m-%dT%H:%M:%S}.000Z",
        "examCloseDate": f"{opening + timedelta(hours=hours):%Y-%m-%dT%H:%M:%S}.000Z",
    }
    section = fields.get("section")
    return Exam(
        address=Address(f"a/{number:05}{f'/{section}' if section else ''}"),
        install_sid=InstallSid(f"AI{0:032x}"),
        course_sid=CourseSid(f"CU{COURSES.index(course) if course in COURSES else 9:032x}"),
        course=course,
        payload={"title": f"Exam {number}", "configuration": dates, **more},
        **fields,
    )


def found(code: str, exams: list[Exam], cohorts: Any = COHORTS, **more: Any) -> list[tuple[Exam, set[Exam]]]:
    """The exams of each finding: where it is shown, and the others."""
    context = Context(cohorts=Cohorts(cohorts, **more))
    return [(each.exam, set(each.exams)) for each in RULES[code].check(exams, context)]


def clashes(one: Exam, other: Exam) -> bool:
    """Whether students of a cohort sit both at once, as the page of the rule says it."""
    short = all(_hours(each) <= 24 for each in (one, other))
    meet = max(_dates(one)[0], _dates(other)[0]) < min(_dates(one)[1], _dates(other)[1])
    takers = ({"cs210"}, {"math120"}), ({"math120"}, {"stats-1", "stats-2"})
    shared = any(
        (one.course in left and other.course in right) or (one.course in right and other.course in left)
        for left, right in takers
    )
    return short and meet and shared


def _dates(exam: Exam) -> tuple[str, str]:
    return str(exam.date("examOpenDate")), str(exam.date("examCloseDate"))


def _hours(exam: Exam) -> float:
    opens, closes = (datetime.fromisoformat(date) for date in _dates(exam))
    return (closes - opens) / timedelta(hours=1)


TIMES = st.tuples(st.sampled_from(COURSES), st.integers(0, 40), st.sampled_from([1, 2, 5, 24, 25]))


@given(drawn=st.lists(TIMES, max_size=12), limited=st.sampled_from([True, False]))
def test_an_exam_clashes_if_any_other_does(drawn: list[tuple[str, int, int]], limited: object) -> None:
    """An exam is told if, and only if, it clashes with one that opened before it, and that one is named."""
    exams = [exam(number, *one, isLimitedScope=limited) for number, one in enumerate(drawn)]
    told: dict[Exam, set[Exam]] = {}
    for where, others in found("cohort-clash", exams):
        told.setdefault(where, set()).update(others)
    ordered = sorted(exams, key=lambda one: (_dates(one)[0], one.address))
    for number, one in enumerate(ordered):
        earlier = {other for other in ordered[:number] if clashes(one, other)}
        assert bool(told.get(one)) is bool(earlier)
        assert told.get(one, set()) <= earlier


@given(
    drawn=st.lists(st.tuples(st.sampled_from(COURSES), st.integers(0, 15)), max_size=12),
    most=st.integers(1, 4),
)
def test_exams_of_a_day_are_counted(drawn: list[tuple[str, int]], most: int) -> None:
    """A day is told once for each cohort, if its students have more exams than they may have."""
    exams = [exam(number, course, opens, 1) for number, (course, opens) in enumerate(drawn)]
    counts = {course: sum(one.course == course for one in exams) for course in COURSES}
    of_cohorts = (
        counts["cs210"] + counts["math120"],
        counts["math120"] + max(counts["stats-1"], counts["stats-2"]),
    )
    told = found("exams-in-a-day", exams, most_a_day=most)
    assert sorted(1 + len(others) for _, others in told) == sorted(one for one in of_cohorts if one > most)
    assert all(_dates(where)[0] >= max(_dates(one)[0] for one in others) for where, others in told)


def test_a_day_is_that_of_the_exams_zone() -> None:
    """22:00 and 23:00 in New York are of one day, though they are of the next one in UTC."""
    late = [
        exam(number, "cs210", hour, 1, timezone="America/New_York") for number, hour in enumerate((18, 19))
    ]
    early = exam(2, "math120", 5, 1, timezone="America/New_York")
    assert found("exams-in-a-day", [*late, early], most_a_day=2) == [(late[1], {late[0], early})]
    in_utc = [exam(number, "cs210", hour, 1) for number, hour in enumerate((18, 19))]
    assert found("exams-in-a-day", [*in_utc, early], most_a_day=2) == []


@pytest.mark.parametrize(
    ("course", "term", "expected"),
    [
        ("cs210", None, {"year-2": "cs210"}),
        ("2032sp-cs210", "2032sp", {"year-2": "cs210"}),
        ("2032sp-cs210", "2031fa", {}),
        ("2032sp-cs210", None, {}),
        ("2032sp-stats-1", "2032sp", {"year-3": "stats-*"}),
        ("2032-spring-math120", "2032-spring", {"year-2": "math120", "year-3": "math120"}),
        ("cs2100", None, {}),
        ("stats", None, {}),
    ],
)
def test_a_course_of_a_term_is_of_the_cohort(course: str, term: str | None, expected: dict[str, str]) -> None:
    """Its short name counts, with and without the term, and the first entry of a cohort that means it."""
    assert Cohorts(COHORTS).taking(names_of(course, (term,))) == expected


def test_a_course_may_be_given_by_its_sid() -> None:
    """Exams that name their course by SID are of the cohorts that do the same."""
    one, other = exam(0, "cs210", 0, 2), exam(1, "math120", 1, 2)
    assert found("cohort-clash", [one, other], {"c": ("math120", one.course_sid)}) == [(other, {one})]


def test_one_clash_of_two_cohorts_is_told_once() -> None:
    """Two exams that several cohorts sit are one mistake."""
    cohorts = {f"year-{number}": ("cs210", "math120") for number in range(3)}
    one, other = exam(0, "cs210", 0, 2), exam(1, "math120", 1, 2)
    (finding,) = RULES["cohort-clash"].check([one, other], Context(cohorts=Cohorts(cohorts)))
    assert finding.message == "students of 'year-0' and 2 more sit 'a/00000' in the same hours"


def test_many_exams_at_once_take_one_pass() -> None:
    """10,000 exams in one hour, and 2,000 globs: what compares each with each would take minutes."""
    courses = [f"c{number}-x" for number in range(2_000)]
    cohorts = {"all": tuple(f"c{number}-*" for number in range(2_000))}
    exams = [exam(number, courses[number % 2_000], 0, 1) for number in range(10_000)]
    begun = time.monotonic()
    assert len(found("cohort-clash", exams, cohorts)) == 9_999
    assert len(found("exams-in-a-day", exams, cohorts)) == 1
    assert time.monotonic() - begun < 10


CLASH = """\
exams:
  cs/midterm:
    title: Midterm
    url: https://lms.example.edu/quiz/1
    course: cs210
    configuration: {examOpenDate: 2031-11-03T09:00, examCloseDate: 2031-11-03T11:00}
  maths/midterm:
    title: Midterm
    url: https://lms.example.edu/quiz/2
    course: math120
    configuration: {examOpenDate: 2031-11-03T10:30, examCloseDate: 2031-11-03T12:00}
"""
NOW = datetime(2031, 10, 1, tzinfo=UTC)


def told(root: Path, workspace: str, manifest: str = BASE + CLASH, **chosen: Any) -> list[str]:
    """Place, severity, code, message and hint of each diagnostic of a workspace."""
    (root / "reconciler.yaml").write_text(f"version: 1\n{workspace}", encoding="utf-8")
    (root / "exams.yaml").write_text(manifest, encoding="utf-8")
    diagnostics = Workspace.open(root=root, **chosen).validate(now=NOW).diagnostics
    return [
        f"{each.span.start} {each.severity.value} {each.code}: {each.message}. {each.hint}"
        for each in diagnostics
        if each.span
    ]


def test_a_clash_has_place_and_remedy(tmp_path: Path) -> None:
    """It is a warning at the date of the exam that opens later, with what the other one is."""
    (clash,) = told(tmp_path, "cohorts: {year-2: [cs210, math120]}\n")
    assert clash == (
        "exams.yaml:29:35 warning cohort-clash: students of 'year-2' sit 'cs/midterm' in the same hours. "
        "That is open from 2031-11-03T14:00:00.000Z to 2031-11-03T16:00:00.000Z. Move one of the two. "
        "examOpenDate is 2031-11-03T10:30 and examCloseDate is 2031-11-03T12:00, in America/New_York."
    )
    assert told(tmp_path, "cohorts: {year-2: [cs210, math120]}\nrules: {cohort-clash: off}\n") == []
    ignored = f"{BASE}{CLASH}".replace(
        "    configuration: {examOpenDate: 2031-11-03T10:30",
        "    # reconciler: ignore[cohort-clash] nobody takes both this year\n"
        "    configuration: {examOpenDate: 2031-11-03T10:30",
    )
    assert told(tmp_path, "cohorts: {year-2: [cs210, math120]}\n", ignored) == []


def test_the_limit_of_a_day_is_the_workspaces(tmp_path: Path) -> None:
    """Two exams are too many where one is allowed."""
    found = told(tmp_path, "cohorts: {year-2: [cs210, math120]}\nmaxExamsADay: 1\n")
    (crowded,) = (each.split(": ", 1)[1] for each in found if "exams-in-a-day" in each)
    assert crowded == (
        "students of 'year-2' sit 2 exams on 2031-11-03. Before it they sit cs/midterm. "
        "Move one, or raise `maxExamsADay` in reconciler.yaml, which is 1. "
        "examOpenDate is 2031-11-03T10:30 and examCloseDate is 2031-11-03T12:00, in America/New_York."
    )


@pytest.mark.parametrize(
    ("workspace", "expected"),
    [
        (
            "cohorts: {a: [math121, cs101]}\n",
            "reconciler.yaml:2:15 warning unknown-alias: no course is called 'math121'. did you mean 'math",
        ),
        (
            "cohorts: {a: [cs101, 'bio*']}\n",
            "reconciler.yaml:2:22 warning unknown-alias: no course is called 'bio*'. Write a name",
        ),
        ("cohorts: {a: []}\n", "reconciler.yaml:2:11 error wrong-value: 'a' is empty. "),
        ("cohorts: {a: cs101}\n", "reconciler.yaml:2:14 error wrong-type: 'a' must be a list, not text. "),
        ("cohorts: {a: [1]}\n", "reconciler.yaml:2:15 error wrong-type: item 1 must be text, not a number. "),
        (
            "cohorts: [cs101]\n",
            "reconciler.yaml:2:1 error wrong-type: 'cohorts' must be a mapping, not a list. ",
        ),
        (
            "maxExamsADay: 0\n",
            "reconciler.yaml:2:15 error wrong-value: 'maxExamsADay' is too small. ",
        ),
        (
            f"cohorts: {json.dumps({f'c{number}': ['cs101'] for number in range(1_001)})}\n",
            "reconciler.yaml:2:1 error too-large: there are more than 1,000 cohorts. ",
        ),
    ],
)
def test_mistakes_in_cohorts_have_places(tmp_path: Path, workspace: str, expected: str) -> None:
    """What nothing defines is a warning, since another environment may; other mistakes are errors."""
    (only,) = told(tmp_path, workspace, BASE)
    assert only.startswith(expected)


@pytest.mark.parametrize(
    "courses",
    ["[cs101, 'stats-*', CU1234567890abcdef1234567890abcdef]", "[bio]", "[chem]", "['*']"],
)
def test_known_courses_are_not_warned_of(tmp_path: Path, courses: str) -> None:
    """Names of manifests, of the environment, of terms, globs over them, and SIDs."""
    workspace = (
        f"cohorts: {{a: {courses}}}\nenvironments: {{only: {{courses: {{bio: CU{'1' * 32}}}}}}}\n"
        "terms: {2032sp: {starts: 2032-01-12, ends: 2032-05-07}}\n"
    )
    assert told(tmp_path, workspace, BASE.replace("cs101:", f"2032sp-chem: CU{'2' * 32}\n  cs101:")) == []


def test_of_some_manifests_nothing_is_said_of_courses(tmp_path: Path) -> None:
    """The others may define them."""
    assert told(tmp_path, "cohorts: {a: [math121]}\n", BASE, paths=["exams.yaml"]) == []


def test_what_was_read_is_only_what_is_said(tmp_path: Path) -> None:
    """Nothing is said of cohorts by default, and three exams a day are allowed."""
    (tmp_path / "reconciler.yaml").write_text("version: 1\n", encoding="utf-8")
    file = load_workspace(tmp_path, environment_name=None)
    assert (file.cohorts, file.max_exams_a_day) == ({}, 3)
