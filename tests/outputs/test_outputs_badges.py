"""Badges: what is special about an exam is said, and nothing that is usual."""

import output_cases as cases
import pytest

from reconciler.outputs.badges import badges_of, place_of


def test_a_usual_exam_has_no_badge() -> None:
    """An active online exam with a password, for all, without approval, is nothing special."""
    assert badges_of(cases.payload()) == []
    assert badges_of({**cases.payload(), "status": "active", "isLimitedScope": False}) == []
    assert badges_of({}) == []


def test_whatever_is_special_is_said() -> None:
    """A draft for assigned students without a password is not overlooked, nor are further attempts."""
    body = {**cases.payload(attempts=3, instructorAsProctor=[{}]), "status": "draft", "requireApproval": True}
    body = {**body, "isLimitedScope": True, "configuration": {**body["configuration"], "password": None}}
    assert badges_of(body) == [
        "draft",
        "assigned students only",
        "no password",
        "needs approval",
        "instructor proctors",
        "3 attempts",
    ]
    assert badges_of({"type": "Written"}) == []


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://user:secret@LMS.example.edu:8443/quiz/1", "Online, canvas, lms.example.edu"),
        ("N/A", "Online, canvas"),
        ("https://[broken", "Online, canvas"),
        ("", "Online, canvas"),
        (7, "Online, canvas"),
        ("https://e\u0301.example.edu", "Online, canvas, e\\u0301.example.edu"),
        (f"https://{'a' * 90}", f"Online, canvas, {'a' * 59}…"),
    ],
)
def test_the_place_is_type_system_and_host(url: object, place: str) -> None:
    """A URL gives its host alone; what is no URL gives nothing."""
    assert place_of({**cases.payload(), "url": url}) == place
