"""Terms of the workspace file, manifests of a term, and dates that count from a term or from another date."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from manifest_tree import AI, WHOLE, write

from reconciler.model.declarations import Declaration, Loaded
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.terms import Term
from reconciler.workspace import Workspace
from reconciler.zones import zone_names

SPRING = {"starts": "2032-01-12", "ends": "2032-05-07"}
BREAK = {"from": "2032-03-08", "to": "2032-03-14"}
NEW_YORK = "America/New_York"
COURSES = {"cs": f"CU{'1' * 32}", "late": f"CU{'2' * 32}"}
FILE = {"installSid": AI, "timezone": NEW_YORK, "courses": COURSES}
BASE = {key: value for key, value in WHOLE.items() if key != "courseSid"} | {"course": "cs"}


def load(root: Path, terms: Any = None, *, term: Any = "2032sp", **manifest: Any) -> Loaded:
    """What a manifest of `term` declares in a workspace with `terms`."""
    write(
        root,
        "reconciler.yaml",
        {"version": 1, "terms": {"2032sp": SPRING | {"skip": [BREAK]}} if terms is None else terms},
    )
    named = {} if term is None else {"term": term}
    write(root, "exams.yaml", FILE | named | manifest)
    return Workspace.open(root=root).validate()


def dated(root: Path, dates: dict[str, Any], **manifest: Any) -> Loaded:
    """What one exam with `dates` is."""
    return load(root, exams={"cs/final": BASE | {"configuration": dates}}, **manifest)


def errors(loaded: Loaded) -> list[Diagnostic]:
    """The errors of `loaded`; warnings of rules are about other things."""
    return [one for one in loaded.diagnostics if one.severity is Severity.ERROR]


def only(loaded: Loaded) -> Declaration:
    """The one exam that is declared, without errors."""
    assert errors(loaded) == []
    (exam,) = loaded.declared.exams
    return exam


def sent(loaded: Loaded, field: str = "examOpenDate") -> Any:
    """The date that the one exam sends."""
    configuration: Any = only(loaded).payload["configuration"]
    return configuration[field]


def complaint(loaded: Loaded) -> Diagnostic:
    """The one error."""
    (found,) = errors(loaded)
    return found


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ({"week": 1, "day": "Mon", "at": "09:00"}, "2032-01-12T14:00:00.000Z"),
        ({"week": 8, "day": "Sun", "at": "00:00"}, "2032-03-07T05:00:00.000Z"),
        # The ninth week of the calendar is skipped, and clocks change in it.
        ({"week": 9, "day": "Mon", "at": "09:00"}, "2032-03-15T13:00:00.000Z"),
        ({"week": 16, "day": "Fri", "at": "23:59"}, "2032-05-08T03:59:00.000Z"),
        ({"ends": "term", "at": "17:00"}, "2032-05-07T21:00:00.000Z"),
    ],
)
def test_a_date_of_a_term_is_sent_as_an_instant(tmp_path: Path, written: Any, utc: str) -> None:
    """Weeks run from Monday to Sunday, and skipped ones are not counted."""
    assert sent(dated(tmp_path, {"examOpenDate": written})) == utc


@pytest.mark.parametrize(
    ("other", "written", "utc"),
    [
        ("2032-03-01T09:00", {"after": "examOpenDate", "days": 2}, "2032-03-03T14:00:00.000Z"),
        ("2032-03-01T09:00", {"after": "examOpenDate", "days": 20}, "2032-03-21T13:00:00.000Z"),
        ("2032-03-01T14:00:00Z", {"after": "examOpenDate", "days": 20}, "2032-03-21T13:00:00.000Z"),
        ("2032-03-01T09:00", {"after": "examOpenDate", "at": "17:00"}, "2032-03-01T22:00:00.000Z"),
        ("2032-03-01T09:00", {"after": "examOpenDate", "days": 1, "at": "17:00"}, "2032-03-02T22:00:00.000Z"),
        ("2032-03-01T09:00:30", {"before": "examOpenDate", "days": 0}, "2032-03-01T14:00:30.000Z"),
        (
            {"week": 1, "day": "Tue", "at": "08:00"},
            {"before": "examOpenDate", "days": 21},
            "2031-12-23T13:00:00.000Z",
        ),
    ],
)
def test_a_date_may_count_from_another(tmp_path: Path, other: Any, written: Any, utc: str) -> None:
    """Days are days of the exam's zone: the time of day stays when the clocks change."""
    loaded = dated(tmp_path, {"examOpenDate": other, "scheduleOpenDate": written})
    assert sent(loaded, "scheduleOpenDate") == utc


def test_dates_count_from_each_other_through_layers(tmp_path: Path) -> None:
    """Defaults may count from a date of the exam; a relative date replaces another one whole."""
    defaults = {
        "configuration": {
            "scheduleOpenDate": {"before": "examOpenDate", "days": 21},
            "examCloseDate": {"week": 2, "day": "Mon", "at": "12:00"},
        }
    }
    own = {"examOpenDate": "2032-02-01T09:00", "examCloseDate": {"after": "examOpenDate", "days": 1}}
    loaded = dated(tmp_path, own, defaults=defaults)
    dates: Any = only(loaded).payload["configuration"]
    assert dates == {
        "examOpenDate": "2032-02-01T14:00:00.000Z",
        "examCloseDate": "2032-02-02T14:00:00.000Z",
        "scheduleOpenDate": "2032-01-11T14:00:00.000Z",
    }
    sources = loaded.provenance[only(loaded).address]
    assert sources["configuration.scheduleOpenDate"].layer_words == "defaults"
    assert sources["configuration.examCloseDate"].layer_words == "exam"


def test_without_a_zone_a_date_has_the_offset_that_it_counts_from(tmp_path: Path) -> None:
    """Such a date needs no `timezone`."""
    dates = {
        "examOpenDate": "2032-03-01T09:00:00+05:30",
        "examCloseDate": {"after": "examOpenDate", "at": "10:00"},
    }
    write(
        tmp_path,
        "exams.yaml",
        {"installSid": AI, "courses": COURSES, "exams": {"a": BASE | {"configuration": dates}}},
    )
    assert sent(Workspace.open(root=tmp_path).validate(), "examCloseDate") == "2032-03-01T04:30:00.000Z"


def test_a_proctor_may_start_at_a_date_of_the_term(tmp_path: Path) -> None:
    """Every date of an exam may be relative."""
    proctor = {"location": "A", "startTime": {"week": 2, "day": "Wed", "at": "10:00"}}
    loaded = dated(tmp_path, {"instructorAsProctor": [proctor]})
    configuration: Any = only(loaded).payload["configuration"]
    assert configuration["instructorAsProctor"] == [
        {"location": "A", "startTime": "2032-01-21T15:00:00.000Z"}
    ]


OPEN = "examOpenDate"


@pytest.mark.parametrize(
    ("dates", "code", "message", "hint"),
    [
        (
            {OPEN: {"week": 17, "day": "Mon", "at": "09:00"}},
            "bad-relative-date",
            "examOpenDate: the term 2032sp has 16 weeks, without the skipped ones",
            "The last one begins on 2032-05-03.",
        ),
        (
            {OPEN: {"week": 16, "day": "Sat", "at": "09:00"}},
            "bad-relative-date",
            "this is 2032-05-08, and the term 2032sp lasts from 2032-01-12 to 2032-05-07",
            "after its last day",
        ),
        (
            {OPEN: {"week": 2, "day": "Monday", "at": "09:00"}},
            "bad-relative-date",
            "'Monday' is not a day of the week",
            "did you mean Mon?",
        ),
        (
            {OPEN: {"week": 2, "day": "Lundi", "at": "09:00"}},
            "bad-relative-date",
            "'Lundi' is not a day of the week",
            "Write 'Mon', 'Tue'",
        ),
        (
            {OPEN: {"week": 2, "day": "Mon", "at": "9am"}},
            "bad-relative-date",
            "'9am' is not a time of day",
            'Write it as "09:00".',
        ),
        (
            {OPEN: {"week": 2, "day": "Mon", "at": "24:00"}},
            "bad-relative-date",
            "'24:00' is not a time of day",
            "of 24 hours",
        ),
        ({OPEN: {"week": 2, "at": "09:00"}}, "bad-relative-date", "needs `day`", "`day: Mon`"),
        ({OPEN: {"week": 2, "day": "Mon"}}, "bad-relative-date", "needs a time of day", '`at: "09:00"`'),
        ({OPEN: {"ends": "term"}}, "bad-relative-date", "needs a time of day", '`at: "09:00"`'),
        (
            {OPEN: {"day": "Mon", "at": "09:00"}},
            "bad-relative-date",
            "counts from one thing, and this one from nothing",
            "Write {week: 6",
        ),
        (
            {OPEN: {"week": 1, "ends": "term", "at": "09:00"}},
            "bad-relative-date",
            "from `week` and `ends`",
            "Write {week: 6",
        ),
        (
            {OPEN: {"week": 1, "day": "Mon", "at": "09:00", "days": 2}},
            "bad-relative-date",
            "`days` does not belong to a date with `week`",
            "Write {week: 6",
        ),
        (
            {OPEN: {"after": "examCloseDate", "days": 1}},
            "bad-relative-date",
            "the exam has no examCloseDate to count from",
            "Add `examCloseDate:`",
        ),
        (
            {OPEN: {"after": "examOpenDate", "days": 1}},
            "bad-relative-date",
            "count from each other: examOpenDate → examOpenDate",
            "Write one of them as a date",
        ),
        (
            {OPEN: "2032-03-01T09:00", "examCloseDate": {"after": OPEN}},
            "bad-relative-date",
            "needs `days`, `at`, or both",
            "Write {week: 6",
        ),
        (
            {OPEN: "9999-12-31T09:00", "examCloseDate": {"after": OPEN, "days": 9}},
            "bad-relative-date",
            "beyond the years 1 to 9999",
            "fewer days",
        ),
        (
            {OPEN: {"after": "opening", "days": 1}},
            "not-allowed-value",
            "'opening' is not allowed for 'after'",
            "",
        ),
        ({OPEN: {"week": 0, "day": "Mon", "at": "09:00"}}, "wrong-value", "'week'", ""),
        ({OPEN: {"week": "six", "day": "Mon", "at": "09:00"}}, "wrong-type", "'week'", ""),
        ({OPEN: {"weak": 6, "day": "Mon", "at": "09:00"}}, "unknown-field", "'weak'", "did you mean 'week'?"),
        (
            {OPEN: "2032-03-14T01:30", "examCloseDate": {"after": OPEN, "at": "02:30"}},
            "local-time-skipped",
            "examCloseDate: the clocks of America/New_York skip this time: this is 2032-03-14T02:30",
            "Write 2032-03-14T01:30",
        ),
        (
            {OPEN: "2031-11-01T01:30", "examCloseDate": {"after": OPEN, "days": 1}},
            "local-time-repeated",
            "this is 2031-11-02T01:30",
            "for the first or",
        ),
    ],
)
def test_a_wrong_relative_date_is_one_message(
    tmp_path: Path, dates: Any, code: str, message: str, hint: str
) -> None:
    """It says what is wrong at what was written, the date that it became, and what to write."""
    found = complaint(dated(tmp_path, dates))
    assert (found.code, found.address) == (code, "2032sp/cs/final")
    assert message in found.message
    assert hint in found.hint


def test_a_circle_is_told_once(tmp_path: Path) -> None:
    """Three dates that count from each other have one mistake."""
    dates = {
        OPEN: {"after": "examCloseDate", "days": 1},
        "examCloseDate": {"after": "scheduleOpenDate", "days": 1},
        "scheduleOpenDate": {"after": OPEN, "days": 1},
    }
    assert (
        "examCloseDate → scheduleOpenDate → examOpenDate → examCloseDate"
        in complaint(dated(tmp_path, dates)).message
    )


def test_what_counts_from_a_wrong_date_is_not_told(tmp_path: Path) -> None:
    """The wrong date is the one mistake."""
    dates = {OPEN: "2032-13-01T09:00", "examCloseDate": {"after": OPEN, "days": 1}}
    assert complaint(dated(tmp_path, dates)).code == "bad-date-time"
    dates = {OPEN: {"week": 99, "day": "Mon", "at": "09:00"}, "examCloseDate": {"after": OPEN, "days": 1}}
    assert "has 16 weeks" in complaint(dated(tmp_path, dates)).message


@pytest.mark.parametrize(
    ("terms", "term", "code", "message", "hint"),
    [
        (None, "2032fa", "unknown-term", "there is no term '2032fa'", "did you mean '2032sp'?"),
        (
            {},
            "2032fa",
            "unknown-term",
            "there is no term '2032fa'",
            "Define it under `terms` of reconciler.yaml.",
        ),
        (None, None, "bad-relative-date", "the file names none", "Add `term: NAME`"),
        (None, 2032, "wrong-type", "'term' must be text", "Put it in quotes."),
    ],
)
def test_a_missing_term_is_told_once(  # noqa: PLR0913, PLR0917 - what is written and what is said
    tmp_path: Path, terms: Any, term: Any, code: str, message: str, hint: str
) -> None:
    """The dates that would count from it are not told as well."""
    found = complaint(
        dated(tmp_path, {OPEN: {"week": 2, "day": "Mon", "at": "09:00"}}, terms=terms, term=term)
    )
    assert (found.code, message in found.message, hint in found.hint) == (code, True, True)


@pytest.mark.parametrize(
    ("term", "message", "hint"),
    [
        (
            {"starts": "2032-05-07", "ends": "2032-01-12"},
            "begins on 2032-05-07 and ends on 2032-01-12",
            "first and the last day",
        ),
        (
            {"starts": "2032-01-12", "ends": "2034-01-12"},
            "begins on 2032-01-12 and ends on 2034-01-12",
            "a year long",
        ),
        (
            {"starts": "2032-02-30", "ends": "2032-05-07"},
            "'2032-02-30' is not a day of the calendar",
            "such as 2032-01-12",
        ),
        (
            {"starts": "12.1.2032", "ends": "2032-05-07"},
            "'12.1.2032' is not a day of the calendar",
            "year, month and day",
        ),
        (
            {"starts": "2032-W03", "ends": "2032-05-07"},
            "'2032-W03' is not a day of the calendar",
            "year, month and day",
        ),
        (
            {"starts": "2032-01-12", "ends": "9999-12-31"},
            "'9999-12-31' is not a day of the calendar",
            "years are 1000 to 2999",
        ),
        (
            SPRING | {"skip": [{"from": "2032-03-09", "to": "2032-03-14"}]},
            "are not whole weeks",
            "{from: 2032-03-08, to: 2032-03-14}",
        ),
        (
            SPRING | {"skip": [{"from": "2032-03-08", "to": "2032-03-13"}]},
            "are not whole weeks",
            "{from: 2032-03-08, to: 2032-03-14}",
        ),
        (
            SPRING | {"skip": [{"from": "2033-03-07", "to": "2033-03-13"}]},
            "are no part of the term",
            "of the break",
        ),
        (
            SPRING | {"skip": [{"from": "2032-03-15", "to": "2032-03-14"}]},
            "are no part of the term",
            "of the break",
        ),
    ],
)
def test_a_wrong_term_is_one_message(tmp_path: Path, term: Any, message: str, hint: str) -> None:
    """Manifests that name it have no mistake of their own."""
    found = complaint(
        dated(tmp_path, {OPEN: {"week": 2, "day": "Mon", "at": "09:00"}}, terms={"2032sp": term})
    )
    assert (found.code, found.span and found.span.start.file) == ("bad-term", "reconciler.yaml")
    assert (message in found.message, hint in found.hint) == (True, True)


def test_the_name_of_a_term_can_begin_an_address(tmp_path: Path) -> None:
    """A slash in it, or a space, is refused where it is written."""
    for name in ("2032/sp", "spring 2032", "-sp", ".."):
        found = complaint(load(tmp_path, {name: SPRING}, term=None))
        assert (found.code, "cannot be the name of a term" in found.message) == ("bad-term", True)


def test_a_term_begins_the_addresses_of_its_file(tmp_path: Path) -> None:
    """Exams and all lifecycle blocks have it, globs too; a file without a term names whole addresses."""
    sid, digest = f"EX{'a' * 32}", f"sha256:{'0' * 64}"
    blocks = {
        "imports": [{"exam": "cs/final", "sid": sid}],
        "moved": [{"from": "old/*", "to": "cs/*"}],
        "removed": [{"exam": "gone/*"}],
        "absent": [{"exam": "cs/lost", "attempt": "a-1"}],
        "accepted": [{"exam": "cs/final", "digest": digest}],
        "distinct": [{"exam": "cs/final", "from": "cs/*"}],
    }
    declared = load(tmp_path, exams={"cs/final": BASE}, **blocks).declared
    assert [exam.address for exam in declared.exams] == ["2032sp/cs/final"]
    assert [exam.term for exam in declared.exams] == ["2032sp"]
    assert [(one.source, one.address) for one in declared.moves] == [("2032sp/old/*", "2032sp/cs/*")]
    assert {one.address for one in (*declared.imports, *declared.accepted, *declared.distinctions)} == {
        "2032sp/cs/final"
    }
    assert [one.address for one in (*declared.removals, *declared.absences)] == [
        "2032sp/gone/*",
        "2032sp/cs/lost",
    ]
    assert [one.other for one in declared.distinctions] == ["2032sp/cs/*"]


def test_a_term_that_is_written_twice_is_told(tmp_path: Path) -> None:
    """It is no mistake that apply must stop, but nobody means it; a block would never find its exams."""
    exam = {"2032sp/cs/mid": WHOLE, "2032spring/cs/mid": WHOLE | {"title": "Other"}}
    loaded = load(tmp_path, exams=exam, removed=[{"exam": "2032sp/cs/*"}])
    told = [(one.message, one.hint) for one in loaded.diagnostics if one.code == "term-twice"]
    message = "`term` of this file begins the address too, so it is "
    assert told == [
        (f"{message}'2032sp/2032sp/cs/mid'", "Write 'cs/mid' here."),
        (f"{message}'2032sp/2032sp/cs/*'", "Write 'cs/*' here."),
    ]
    assert errors(loaded) == []


def test_a_block_that_points_nowhere_is_suggested_what_its_file_would_write(tmp_path: Path) -> None:
    """What is copied from the hint is right in a file of the term."""
    loaded = load(tmp_path, exams={"cs/final": BASE}, imports=[{"exam": "cs/fnal", "sid": f"EX{'a' * 32}"}])
    (found,) = [one for one in loaded.diagnostics if one.code == "points-nowhere"]
    assert (found.hint, found.address) == ("did you mean 'cs/final'?", "2032sp/cs/fnal")


def test_an_address_is_measured_with_its_term(tmp_path: Path) -> None:
    """It has 128 characters with the term, and the message quotes what is written."""
    assert errors(load(tmp_path, exams={"a" * 121: BASE})) == []
    found = complaint(load(tmp_path, exams={"a" * 122: BASE}))
    assert (found.code, "'aaaa" in found.message) == ("bad-address", True)


def test_a_base_file_has_no_term(tmp_path: Path) -> None:
    """One line there would give many exams another address."""
    write(tmp_path, "_base.yaml", {"version": 1, "term": "2032sp"})
    assert complaint(load(tmp_path, term=None, extends=["_base.yaml"])).code == "not-a-base"


def test_exams_of_two_terms_are_no_twins(tmp_path: Path) -> None:
    """Last term's exam may have the course and title of this term's."""
    write(tmp_path, "exams/fall.yaml", FILE | {"term": "2031fa", "exams": {"cs/final": BASE}})
    write(tmp_path, "exams/spring.yaml", FILE | {"term": "2032sp", "exams": {"cs/final": BASE}})
    write(
        tmp_path,
        "reconciler.yaml",
        {"version": 1, "terms": {"2032sp": SPRING, "2031fa": {"starts": "2031-08-25", "ends": "2031-12-12"}}},
    )
    loaded = Workspace.open(root=tmp_path).validate()
    assert [one.code for one in loaded.diagnostics if one.code == "same-exam"] == []
    write(tmp_path, "exams/fall.yaml", FILE | {"term": "2032sp", "exams": {"cs/last": BASE}})
    assert "same-exam" in [one.code for one in Workspace.open(root=tmp_path).validate().diagnostics]


@given(
    starts=st.dates(date(2000, 1, 1), date(2099, 1, 1)),
    days=st.integers(0, 366),
    skipped=st.sets(st.integers(0, 53), max_size=8),
)
def test_weeks_are_those_of_the_calendar(starts: date, days: int, skipped: set[int]) -> None:
    """They are all weeks that begin on or before the last day, but the skipped ones."""
    ends = starts + timedelta(days=days)
    first = starts - timedelta(days=starts.isoweekday() - 1)
    left_out = frozenset(first + timedelta(weeks=week) for week in skipped)
    mondays = Term("t", starts, ends, left_out).mondays
    every = {first + timedelta(days=day) for day in range((ends - first).days + 1)}
    assert set(mondays) == {day for day in every if day.isoweekday() == 1} - left_out
    assert list(mondays) == sorted(mondays)


ZONES = sorted(zone_names())


@given(
    zone=st.sampled_from(ZONES),
    open_day=st.dates(date(1990, 1, 1), date(2037, 1, 1)),
    clock=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    days=st.integers(0, 400),
    is_before=st.booleans(),
)
def test_days_are_counted_by_the_clocks_of_every_zone(  # noqa: PLR0913, PLR0917 - what a date is made of
    tmp_path_factory: pytest.TempPathFactory,
    zone: str,
    open_day: date,
    clock: time,
    days: int,
    is_before: bool,  # noqa: FBT001 - drawn
) -> None:
    """The result shows the same time of day so many days away, or is refused as the same absolute date is."""
    root = tmp_path_factory.mktemp("w", numbered=True)
    opens = datetime.combine(open_day, clock)
    wanted = opens + timedelta(days=-days if is_before else days)
    moved = {"before" if is_before else "after": OPEN, "days": days}
    written = {OPEN: opens.isoformat(timespec="minutes"), "scheduleOpenDate": moved}
    absolute = written | {"scheduleOpenDate": wanted.isoformat(timespec="minutes")}
    codes = []
    for dates in (written, absolute):
        write(root, "exams.yaml", FILE | {"timezone": zone, "exams": {"a": BASE | {"configuration": dates}}})
        loaded = Workspace.open(root=root).validate(now=datetime(1980, 1, 1, tzinfo=UTC))
        codes.append(([one.code for one in errors(loaded)], [exam.digest for exam in loaded.declared.exams]))
    assert codes[0] == codes[1]


@pytest.mark.parametrize(
    ("course", "is_told"), [("2032sp-cs", False), ("2032sp-cs-001", False), ("late", True)]
)
def test_the_course_of_a_term_belongs_to_that_of_its_address(
    tmp_path: Path,
    course: str,
    is_told: bool,  # noqa: FBT001
) -> None:
    """After a rollover the address has the name without its term, and last term's course is still there."""
    new = {"2032sp-cs": f"CU{'3' * 32}", "2032sp-cs-001": f"CU{'4' * 32}"}
    found = load(tmp_path, courses=COURSES | new, exams={"cs/final": BASE | {"course": course}})
    assert ("course-in-address" in {each.code for each in found.diagnostics}) is is_told
