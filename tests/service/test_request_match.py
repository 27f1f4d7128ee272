"""Echoes: an answer that speaks of another exam is noticed, and one that writes ours otherwise is not."""

import html
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.service.request_match import Sent, contradictions, other_title

INSTALL, COURSE = "AI" + "1" * 32, "CU" + "ab" * 16
TITLE = "Midterm Exam 1: Café & Crème, Section 001"


def wrong(exam=TITLE, **echoes):
    """What is wrong with these echoes to an exam of that title."""
    body = json.dumps({"title": exam}).encode()
    return contradictions(echoes, Sent(install_sid=INSTALL, course_sid=COURSE, body=body))


@pytest.mark.parametrize(
    "echo",
    [
        TITLE,
        None,
        "",
        "  ",
        html.escape(TITLE),
        html.escape(html.escape(TITLE)),
        "Midterm Exam 1: &#67;af&eacute; &#38; Cr&#xe8;me, Section 001",
        unicodedata.normalize("NFD", TITLE),
        TITLE.upper(),
        f" {TITLE.replace(' ', '  ')}\n",
        TITLE.replace(" ", "\N{NO-BREAK SPACE}"),
        f"{TITLE[:20]}…",
        f"{TITLE[:20]}...",
        TITLE[:32],
        TITLE[:37],
        TITLE[:10],
    ],
)
def test_the_same_title_may_be_written_otherwise(echo):
    """Entities, Unicode forms, case, white space, and an end that was cut off."""
    assert wrong(title=echo) == []


PARIS = "Exam: \N{EM DASH} Qu'est-ce & \u00e9\U0001f600\u200b end"


@pytest.mark.parametrize(
    "echo",
    [
        "Exam: \ufffd",
        "Exam: \N{EM DASH} Qu'est-ce & \u00e9\ufffd\ufffd",
        "Exam: \N{EM DASH} Qu'est-ce & \u00e9\ud83d",
        "Exam: &",
        "Exam: &#82",
        "Exam: &#x20",
        "Exam: &mdas",
        "Exam: &mdash; Qu&#03",
        "Exam: &mdash; Qu&ap",
        "Exam: &mdash; Qu&#x27;est-ce &am",
        PARIS.replace("\u200b", ""),
    ],
)
def test_a_title_may_be_cut_inside_a_character(echo):
    """As a column of so many bytes does it, or one that holds HTML."""
    assert wrong(PARIS, title=echo) == []


@pytest.mark.parametrize(
    "echo", ["Exam: \N{EM DASH} Qu&lt", "Exam: \N{EM DASH} Qu'est-ce &D", "\ufffd", "&", "x&"]
)
def test_what_is_left_of_a_character_is_compared(echo):
    """It must be the next one of the title, behind something that is the title's."""
    assert wrong(PARIS, title=echo) == ["title"]
    assert wrong(PARIS, title=f"{PARIS}\ufffd") == ["title"]


def test_a_title_that_is_not_whole_is_passed_on():
    """Only who knows the other exams can tell whether it is one of theirs."""
    sent = Sent(install_sid=INSTALL, course_sid=COURSE, body=json.dumps({"title": "Q&A II"}).encode())
    for echo in ("Q&A II", " q&amp;a ii", None, ""):
        assert other_title({"title": echo}, sent) is None
    assert other_title({}, sent) is None
    assert other_title({"title": "Q&amp;A I"}, sent) == "Q&A I"


@pytest.mark.parametrize(
    ("title", "echo"),
    [
        (TITLE, "Midterm Exam 2: Café & Crème, Section 001"),
        (TITLE, "Midterm Exam 1"),
        (TITLE, "Final"),
        (TITLE, f"{TITLE}0"),
        (TITLE, f"{TITLE} (copy)"),
        (TITLE, TITLE[1:]),
        ("Quiz 10", "Quiz 1"),
        ("Quiz 1", "Quiz 10"),
        ("Midterm 2", "Midterm"),
        ("An exam with a rather long title, Section 10", "An exam with a rather long title, Section 1"),
        (TITLE, "…"),
        (TITLE, 7),
        (TITLE, True),
        (TITLE, [TITLE]),
        (TITLE, {"text": TITLE}),
    ],
)
def test_another_title_is_another_exams(title, echo):
    """Also one with which ours begins."""
    assert wrong(title, title=echo) == ["title"]


@pytest.mark.parametrize(
    ("name", "own", "other"),
    [
        ("courseSid", COURSE, "CU" + "cd" * 16),
        ("applicationInstallSid", INSTALL, "AI" + "2" * 32),
        ("installSid", INSTALL, "AI" + "2" * 32),
    ],
)
def test_course_and_install_are_compared(name, own, other):
    """Null says nothing, case means nothing, and what is no text is not what was sent."""
    for echo in (own, own.upper(), f" {own} ", None, ""):
        assert wrong(**{name: echo}) == []
    for echo in (other, "cs101", 5, [own], False):
        assert wrong(**{name: echo}) == [name]


def test_course_details_count_where_they_are_a_sid():
    """They are documented as a text of any kind."""
    assert wrong(course="CU" + "cd" * 16) == wrong(course="cu" + "CD" * 16) == ["course"]
    assert wrong(course={"sid": "CU" + "cd" * 16}) == ["course"]
    assert (
        wrong(course=COURSE)
        == wrong(course=f" {COURSE.upper()}")
        == wrong(course="CS 101")
        == wrong(course={"sid": 1})
        == []
    )


def test_all_that_is_wrong_is_named():
    """Two crossed answers differ in several members."""
    assert wrong(courseSid="CU" + "cd" * 16, title="Other") == ["courseSid", "title"]


@given(st.text(), st.text())
def test_any_title_and_echo_are_compared(title, echo):
    """No text makes an exception, and every title is its own echo."""
    assert wrong(title, title=echo) in ([], ["title"])
    assert wrong(title, title=html.escape(title)) == []
