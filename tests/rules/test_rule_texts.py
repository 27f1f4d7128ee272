"""What rules say of what people type: place, message and hint, word for word."""

from pathlib import Path

import pytest
from rule_bench import BASE, loaded

from reconciler.manifest.workspace_file import load_workspace
from reconciler.model.diagnostics import Severity

FIRST = BASE.count("\n") + 2
"""The line of the first exam's address."""
CITY = "Write the zone of your city, such as America/New_York, Europe/Berlin or Asia/Kolkata"
OPENS, CLOSES = "2031-12-15T09:00", "2031-12-15T17:00"
SWAP = "Swap them, or mend the one that is wrong."
UTC = "examCloseDate is 2031-12-15T13:00Z (2031-12-15T08:00)"
YEARS = "Check the year and the month of both dates."
NEW_YORK = "in America/New_York."


def told(root: Path, text: str, **severities: Severity | None) -> list[tuple[str, str, str]]:
    """Each finding in `text`: its line (1 is that of the address), column and code; message; hint."""
    weighed = {code.replace("_", "-"): severity for code, severity in severities.items()}
    return [
        (
            f"{each.span.start.line - FIRST + 1}:{each.span.start.column} {each.code}",
            each.message,
            each.hint,
        )
        for each in loaded(root, f"{BASE}exams:\n{text}", severities=weighed).diagnostics
        if each.span
    ]


def exam(address: str = "cs101/x", **configuration: object) -> str:
    """An exam of four lines, and one for each field of its `configuration`."""
    fields = "".join(f"      {name}: {value}\n" for name, value in configuration.items())
    return f"  {address}:\n    title: X\n    url: https://lms.example.edu/x\n    configuration:\n{fields}"


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("EST", "did you mean 'America/New_York'?"),
        ("MST", "did you mean 'America/Denver' or 'America/Phoenix'?"),
        ("HST", "did you mean 'Pacific/Honolulu'?"),
        ("GMT", "did you mean 'Europe/London'?"),
        ("GMT0", "did you mean 'Europe/London'?"),
        ("Etc/Greenwich", "did you mean 'Europe/London'?"),
        ("Etc/GMT+5", f"{CITY}: an offset knows no summer time."),
    ],
)
def test_a_zone_without_summer_time_is_answered_with_the_region(tmp_path: Path, zone: str, hint: str) -> None:
    """Where a zone may stand for several regions, all are named."""
    message = f"'{zone}' has one offset all year, so times in summer may be an hour off"
    text = f"  a/x: {{title: X, timezone: {zone}}}\n"
    assert told(tmp_path, text) == [("1:29 no-summer-time", message, hint)]


def test_the_zone_of_an_environment_is_looked_at_too(tmp_path: Path) -> None:
    """It is told in the workspace file, whose `rules` decide about it."""
    file = tmp_path / "reconciler.yaml"
    text = "version: 1\nenvironments:\n  staging: {timezone: EST}\n"
    for rules, severities in (
        ("", [Severity.WARNING]),
        ("rules: {no-summer-time: off}\n", []),
        ("rules: {no-summer-time: error}\n", [Severity.ERROR]),
        ("rules: {no-summer-time: [odd]}\n", [Severity.WARNING]),
    ):
        file.write_text(text + rules)
        found = load_workspace(tmp_path, environment_name=None).diagnostics
        zones = [each for each in found if each.code == "no-summer-time"]
        assert [each.severity for each in zones] == severities
        assert {str(each.span.start) for each in zones if each.span} <= {"reconciler.yaml:3:23"}


@pytest.mark.parametrize(
    ("configuration", "place", "message", "hint"),
    [
        (
            {"examOpenDate": OPENS},
            "5:21 incomplete-window",
            "examOpenDate is given, and examCloseDate is not",
            "Add `examCloseDate:` beside it, so that the window has two ends.",
        ),
        (
            {"scheduleCloseDate": OPENS},
            "5:26 incomplete-window",
            "scheduleCloseDate is given, and scheduleOpenDate is not",
            "Add `scheduleOpenDate:` beside it, so that the window has two ends.",
        ),
        (
            {"examOpenDate": CLOSES, "examCloseDate": OPENS},
            "6:22 window-order",
            "examCloseDate is not after examOpenDate",
            f"{SWAP} examCloseDate is {OPENS} and examOpenDate is {CLOSES}, {NEW_YORK}",
        ),
        (
            {"examOpenDate": OPENS, "examCloseDate": "2031-12-15T13:00Z"},
            "6:22 window-order",
            "examCloseDate is not after examOpenDate",
            f"{SWAP} {UTC} and examOpenDate is {OPENS}, {NEW_YORK}",
        ),
        (
            {"examOpenDate": OPENS, "examCloseDate": "2049-12-15T17:00"},
            "6:22 long-window",
            "the exam window is longer than a term: 18 years",
            f"{YEARS} examCloseDate is 2049-12-15T17:00 and examOpenDate is {OPENS}, {NEW_YORK}",
        ),
        (
            {"examOpenDate": OPENS, "examCloseDate": "2032-12-15T17:00"},
            "6:22 long-window",
            "the exam window is longer than a term: 366 days",
            f"{YEARS} examCloseDate is 2032-12-15T17:00 and examOpenDate is {OPENS}, {NEW_YORK}",
        ),
        (
            {"examOpenDate": "2301-12-15T09:00", "examCloseDate": "2301-12-15T17:00"},
            "5:21 far-future",
            "the exam window opens in more than ten years",
            "Check the year.",
        ),
        (
            {"duration": 1.5},
            "5:17 duration-not-in-minutes",
            "a duration of 1.5 minutes is unusual",
            "Write minutes: 1.5 hours are 90.",
        ),
        (
            {"duration": 2},
            "5:17 duration-not-in-minutes",
            "a duration of 2 minutes is unusual",
            "Write minutes: 2 hours are 120.",
        ),
        (
            {"duration": 92.5},
            "5:17 duration-not-in-minutes",
            "a duration of 92.5 minutes is unusual",
            "Write whole minutes.",
        ),
    ],
)
def test_dates_and_durations(
    tmp_path: Path, configuration: dict[str, str], place: str, message: str, hint: str
) -> None:
    """The value is named, dates are quoted as they are written, and the hint says what to do."""
    assert told(tmp_path, exam(**configuration)) == [(place, message, hint)]


def test_an_exam_without_dates(tmp_path: Path) -> None:
    """There is no value to stand at: the finding stands at the address."""
    hint = "Add `examOpenDate:` and `examCloseDate:` to its configuration: when students may sit it."
    assert told(tmp_path, exam(duration=90), no_window=Severity.WARNING) == [
        ("1:3 no-window", "the exam has no exam window", hint)
    ]


def test_what_all_exams_of_a_file_lack_is_told_once(tmp_path: Path) -> None:
    """The others are counted; one that an ignore comment settles neither counts nor stands for them."""
    ignore = " # reconciler: ignore[no-window] open all year"
    text = "".join(
        f"  a/{n}:{ignore if n in {0, 3} else ''}\n    title: T{n}\n    url: https://lms.example.edu/{n}\n"
        for n in range(5)
    )
    places = [(place, message) for place, message, _ in told(tmp_path, text, no_window=Severity.WARNING)]
    assert places == [("4:3 no-window", "the exam has no exam window (and in 2 more exams)")]


def test_the_first_and_the_last_day_of_the_calendar_are_quoted(tmp_path: Path) -> None:
    """A moment that the exam's zone has no date for is quoted as it is written."""
    text = exam(scheduleOpenDate="9999-12-31T23:59:59Z", scheduleCloseDate="0001-01-01T00:00:00Z")
    ((_, _, hint),) = told(tmp_path, text)
    assert "scheduleCloseDate is 0001-01-01T00:00:00Z and " in hint
    assert "scheduleOpenDate is 9999-12-31T23:59:59Z (9999-12-31T18:59)" in hint


QUIZ = "https://lms.example.edu/quiz/1"
MEANT = (
    "If it is meant, as for extra time in the same quiz, "
    "add `distinct: [{exam: cs101/a, from: cs101/b}]` to a manifest."
)


def two(first: str, second: str) -> str:
    """Two exams, each with a title of its own and one more line."""
    return f"  cs101/b:\n    title: B\n    {second}\n  cs101/a:\n    title: A\n    {first}\n"


@pytest.mark.parametrize(
    ("first", "second", "places", "message", "hint"),
    [
        (
            f"url: {QUIZ}",
            "url: http://LMS.example.edu/quiz/1/",
            ["3:10 shared-url", "6:10 shared-url"],
            "the URL is that of '{}' too",
            f"Mend it if it was only copied. {MEANT}",
        ),
        (
            f"<<: {{url: {QUIZ}, configuration: {{apiExamId: x}}}}",
            "<<: {url: https://lms.example.edu/2, configuration: {apiExamId: x}}",
            ["3:69 shared-api-exam-id", "6:74 shared-api-exam-id"],
            "the apiExamId is that of '{}' too",
            f"Mend it if it was only copied. {MEANT}",
        ),
        (
            f"<<: {{url: {QUIZ}, configuration: {{password: {{fromEnv: EXAM_SECRET_A}}}}}}",
            "<<: {url: https://lms.example.edu/2, configuration: {password: {fromEnv: EXAM_SECRET_A}}}",
            ["3:58 shared-password", "6:63 shared-password"],
            "the password is that of '{}' too, which has another URL",
            f"Name the secret of this exam's quiz. {MEANT}",
        ),
    ],
)
def test_what_two_exams_share_is_told_at_both(  # noqa: PLR0913, PLR0917 - the parts of a finding
    tmp_path: Path, first: str, second: str, places: list[str], message: str, hint: str
) -> None:
    """Each finding names the other exam, and both give the same block to paste."""
    assert told(tmp_path, two(first, second)) == [
        (places[0], message.format("cs101/a"), hint),
        (places[1], message.format("cs101/b"), hint),
    ]


def test_of_many_exams_that_share_a_value_two_are_named(tmp_path: Path) -> None:
    """One mistake is not told once for each exam; `distinct` for the two brings up the next."""
    more = "configuration: {duration: 9"
    text = "".join(f"  a/{n}: {{title: T {n}, url: {QUIZ}, {more}{n}}}}}\n" for n in range(9))
    assert [(place, message) for place, message, _ in told(tmp_path, text)] == [
        ("1:26 shared-url", "the URL is that of 'a/1' too (as have 7 more exams)"),
        ("2:26 shared-url", "the URL is that of 'a/0' too (as have 7 more exams)"),
    ]
    settled = text + "distinct: [{exam: a/0, from: a/1}]\n"
    assert [message for _, message, _ in told(tmp_path, settled)] == [
        f"the URL is that of 'a/{number}' too (as have 7 more exams)" for number in (2, 2)
    ]


def test_an_extra_time_twin_shares_its_quiz_and_its_password(tmp_path: Path) -> None:
    """One URL is one mistake, or none: the password that belongs to it is not told as well."""
    line = "<<: {url: https://lms.example.edu/1, configuration: {password: {fromEnv: EXAM_SECRET_A}}}"
    text = two(line, line).replace("title: B\n", "title: B\n    isLimitedScope: true\n")
    assert [place.partition(" ")[2] for place, *_ in told(tmp_path, text)] == ["shared-url", "shared-url"]
    settled = f"{text}distinct: [{{exam: cs101/a, from: cs101/b, reason: extra time}}]\n"
    assert told(tmp_path, settled) == []


def test_the_address_and_the_course_disagree(tmp_path: Path) -> None:
    """It is told at the course, or at the address where the course is from the defaults."""
    hint = "Mend the one that was only copied: the address, or course."
    message = "the address 'cs{0}/x' names the course 'cs{0}', and course is 'cs{1}'"
    assert told(tmp_path, "  cs101/x: {title: X, course: cs210}\n") == [
        ("1:31 course-in-address", message.format(101, 210), hint)
    ]
    place = f"exams.yaml:{BASE[: BASE.index('  course: cs101')].count(chr(10)) + 1}"
    assert told(tmp_path, "  cs210/x: {title: X}\n") == [
        ("1:3 course-in-address", message.format(210, 101), f"{hint} course is from {place}.")
    ]


SID = "TS4b894875d26194988853e490dfb9bc41"
WRITE_SID = "Write `TS` and 32 digits 0 to 9 or letters a to f, as the service shows it."
UNSEEN = "U+200B (zero width space), which nobody sees, U+0009 (without a name), which nobody sees"
REMOVE = "Remove that: YAML takes it for a part of the text, and it would be sent."
RETYPE = "Type it again; copied text brings in such characters, and nothing is found by it."


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        (SID.upper(), f"did you mean '{SID}'?"),
        (f"TS-{SID[2:]}", f"did you mean '{SID}'?"),
        (SID[2:], f"did you mean '{SID}'?"),
        (SID[:-1], WRITE_SID),
        (f"US{SID[2:]}", WRITE_SID),
    ],
)
def test_a_mistyped_sid_of_a_proctor_type(tmp_path: Path, kind: str, hint: str) -> None:
    """It is told at the item of the list, with the SID where that is certain."""
    message = f"'{kind}' looks like a SID, and is not one of a proctor type"
    assert told(tmp_path, exam(proctorTypes=f"[live, {kind}]")) == [("5:28 proctor-type-sid", message, hint)]


def test_a_documented_sid_is_told_in_words(tmp_path: Path) -> None:
    """Nobody has to look up what the SID of live online proctoring means."""
    dates = {"examOpenDate": "2031-10-05T09:00", "examCloseDate": "2031-10-06T09:00"}
    ((place, message, _),) = told(tmp_path, exam(**dates, proctorTypes=f"[{SID}]"))
    assert place == "5:21 short-notice"
    assert message.endswith("less than two weeks, and 'live online' proctoring is asked for")


@pytest.mark.parametrize(
    ("field", "place", "message", "hint"),
    [
        (
            "title: Midterm,",
            "2:12 pasted-punctuation",
            "title ends with a comma",
            REMOVE,
        ),
        (
            "title: “Midterm”;",
            "2:12 pasted-punctuation",
            "title ends with a semicolon and has typographic quotes around it",
            REMOVE,
        ),
        (
            'examDeliverySystemModule: "canvas\\u200b\\t"',
            "2:31 hidden-characters",
            f"examDeliverySystemModule holds {UNSEEN}",
            RETYPE,
        ),
    ],
)
def test_what_comes_along_with_copied_text(
    tmp_path: Path, field: str, place: str, message: str, hint: str
) -> None:
    """The field is named, not quoted: what is wrong with it cannot be seen."""
    title = "" if field.startswith("title") else "    title: X\n"
    assert told(tmp_path, f"  a/x:\n    {field}\n{title}") == [(place, message, hint)]
