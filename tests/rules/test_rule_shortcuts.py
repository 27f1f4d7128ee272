"""Rules look quickly at what is as it should be; none of that may change what they find."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_rules import ITEMS, PLAIN

from reconciler.model import attendance, sameness
from reconciler.model.identities import Address, CourseSid, InstallSid
from reconciler.model.rules import Context, Exam
from reconciler.rules.engine import RuleResults
from reconciler.rules.registry import BUILT_IN

START = datetime(2031, 3, 1, tzinfo=UTC)
ODD_DATES = ("0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "2031-99-99T99:99:99.999Z")


def sent(moment):
    """`moment` as a payload has it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


DAYS = st.sampled_from([0, 1, 2, 3, 14])
DATES = st.sampled_from(
    [*(sent(START + timedelta(days=days)) for days in (*range(7), 14, 31, 201)), *ODD_DATES]
)
MOMENTS = (
    DAYS.map(lambda days: START + timedelta(days=days))
    | st.builds(
        lambda days, spare: (START + timedelta(days=days, microseconds=spare)).astimezone(
            timezone(timedelta(hours=-5))
        ),
        DAYS,
        st.integers(-1_500, 1_500),
    )
    | st.sampled_from([None, datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)])
)
WORDS = (
    "Exam",
    "exam",
    "1",
    "2",
    " ",
    "  ",
    "\t",
    "-",
    "_",
    "[Practice]",
    "practice",
    "(Pratice)",
    "<Pratice>",
)
ODD_WORDS = ("\u0421", "\u03bf", "\u200b", "\u00e9", "\u0130", "\u00df", "ss", "(", "]", "{practise}")
TITLES = st.lists(st.sampled_from(WORDS + ODD_WORDS), max_size=3).map("".join)
FIELDS = {
    "url": st.sampled_from(["https://a.example", "https://b.example"]),
    "description": st.sampled_from(["one", "two"]),
    "status": st.sampled_from(["active", "deleted"]),
    "isLimitedScope": st.booleans(),
}
SETTINGS = {
    "examOpenDate": DATES,
    "examCloseDate": DATES,
    "scheduleOpenDate": DATES,
    "scheduleCloseDate": DATES,
    "duration": st.sampled_from([0, 1, 1440, 1440.0, 1439.999, 1441, 10**300, -5, True]),
    "permittedCalculator": st.booleans(),
    "virtualCalculatorType": st.sampled_from(["", "basic"]),
    "proctorTypes": st.lists(st.sampled_from(["live", "automated"]), max_size=2),
    "instructorAsProctor": st.sampled_from(["", "US1"]),
    **{f"permitted{item}": st.booleans() for item in ITEMS},
    **{f"permitted{item}Information": st.sampled_from(["", "as told"]) for item in ITEMS},
}
LOOKS_AT = {
    "window-over": ("examCloseDate",),
    "window-soon": ("examOpenDate", "examCloseDate"),
    "short-notice": ("examOpenDate", "proctorTypes", "instructorAsProctor"),
    "overlapping-windows": ("examOpenDate", "examCloseDate", "isLimitedScope", "status"),
    "long-window": ("examOpenDate", "examCloseDate", "scheduleOpenDate", "scheduleCloseDate"),
    "duration-too-long": ("examOpenDate", "examCloseDate", "duration"),
    "information-not-permitted": tuple(name for name in SETTINGS if name.startswith("permitted")),
    "calculator-not-permitted": ("permittedCalculator", "virtualCalculatorType"),
    "title-spaces": (),
    "practice-title": (),
    "same-exam": (),
    "near-identical": ("url", "description", "examOpenDate"),
}
"""What each rule asks about beside the title: with anything more, most examples would be alike to it."""


def payloads_for(code):
    """Payloads that differ in what the rule `code` looks at; most have all of its settings."""
    fields = {name: FIELDS[name] for name in LOOKS_AT[code] if name in FIELDS}
    said = {name: SETTINGS[name] for name in LOOKS_AT[code] if name in SETTINGS}
    configurations = st.fixed_dictionaries(said) | st.fixed_dictionaries({}, optional=said)
    return st.fixed_dictionaries({"title": TITLES, "configuration": configurations}, optional=fields)


def exams_for(code):
    """Exams that differ in what the rule `code` looks at, in few courses, by address."""
    courses = st.sampled_from([("AI0", "CU0")] * 3 + [("AI0", "CU1"), ("AI1", "CU0")])
    return st.lists(st.tuples(courses, payloads_for(code)), max_size=6).map(
        lambda drawn: tuple(
            exam(number, payload, install, course)
            for number, ((install, course), payload) in enumerate(drawn)
        )
    )


def exam(number, payload, install="AI0", course="CU0"):
    """The exam that is called by its `number`."""
    return Exam(
        address=Address(f"a/{number}"),
        install_sid=InstallSid(install),
        course_sid=CourseSid(course),
        payload=payload,
    )


@pytest.mark.parametrize(
    "rule", [rule for rule in BUILT_IN if rule.code in PLAIN], ids=lambda rule: rule.code
)
@settings(max_examples=200)
@given(data=st.data())
def test_a_rule_finds_what_it_says_it_finds(rule, data):
    """Each rule finds what it would if it took its time, at the same places and in the same order."""
    exams = data.draw(exams_for(rule.code))
    imported = data.draw(st.sampled_from([frozenset(), frozenset({Address("a/0")})]))
    context = Context(now=data.draw(MOMENTS), imported=imported)
    quick = list(rule.check(exams, context))
    plain = list(PLAIN[rule.code](exams, context))
    assert [(finding.exam, *finding.path[-1:]) for finding in quick] == [
        (exams[number], *([] if where is None else [where])) for number, where, _ in plain
    ]
    assert all(word in finding.message for finding, (*_, word) in zip(quick, plain, strict=True))


def test_exams_that_are_looked_at_in_blocks_are_all_looked_at():
    """What rules find in blocks of exams is what each finds in all of them at once, in the same order."""
    exams = [
        exam(number, {"title": f"Exam {number} ", "url": f"https://a.example/{number}", "status": "deleted"})
        for number in range(250)
    ]
    results = RuleResults()
    results.ask(BUILT_IN, exams, Context(now=START))
    assert [rule for rule, _ in results.found] == list(BUILT_IN)
    for rule, found in results.found:
        assert found == list(rule.check(exams, Context(now=START)))
        assert len(found) == (250 if rule.code in {"no-window", "status-deleted", "title-spaces"} else 0)


@given(title=TITLES)
def test_what_marks_practice_is_asked_of_every_title_that_may_be_misspelt(title):
    """A title is left alone only if the expressions that know practice exams find nothing in it."""
    plain = attendance.latinised(title)
    is_found = attendance._IN_WORDS.search(plain) is not None or any(
        attendance._is_like_practice(found["word"]) for found in attendance._IN_BRACKETS.finditer(plain)
    )
    assert attendance.is_practice(title) is ("[Practice]" in title or is_found)


@given(url=st.from_regex(sameness._PLAIN_URL, fullmatch=True) | st.from_regex("https://[Xx%./:a-z0-9-]+"))
def test_a_plain_url_is_normalised_as_any_other_is(url):
    """URLs that are known at a glance to be normalised give what the slow way gives."""
    slow = sameness._folded_url(url)
    assert sameness.quiz_of({"url": url}) == slow or not sameness._says_something(slow)


def test_the_last_moment_of_all_has_no_moment_after_it():
    """Rules about time can be asked on the last day that there is."""
    late = exam(0, {"title": "Late", "configuration": {"examOpenDate": "9999-12-31T12:00:00.000Z"}})
    last = datetime.max.replace(tzinfo=UTC)
    for rule in BUILT_IN:
        found = list(rule.check([late], Context(now=last)))
        assert len(found) == (rule.code in {"window-soon", "incomplete-window"})
