"""Every value of an exam in words, with its layer."""

import output_cases as cases
import pytest
from msgspec.structs import replace

from reconciler.model.diagnostics import Position
from reconciler.model.plan import Action, Change, FieldDiff
from reconciler.model.provenance import Layer, ValueSource
from reconciler.outputs.exam_facts import sides_of, title_of, window_of
from reconciler.outputs.exam_values import values_of

USER = "US" + "7" * 32


def told(change: Change, **names: str) -> dict[str, str]:
    """The values of `change` by path."""
    return {value.path: value.text for value in values_of(change, names, {})}


def test_every_value_that_is_sent_is_told() -> None:
    """No leaf of the payload is left out, however deep; course and install are told besides."""
    payload = {
        **cases.payload("Title", modalityOptions={"deep": {"er": [1, {"a": None}]}, "none": {}}),
        "isLimitedScope": True,
        "status": "draft",
        "contactUserSid": USER,
    }
    values = told(cases.change("a", Action.CREATE, after=payload), **{USER: "jdoe"})
    assert values["configuration.modalityOptions.deep.er"] == '[1, {"a": null}]'
    assert values["configuration.modalityOptions.none"] == "{}"
    assert values["isLimitedScope"] == "true"
    assert values["contactUserSid"] == f"jdoe ({USER})"
    assert values["courseSid"] == f"cs101 ({cases.COURSE})"
    assert values["installSid"] == cases.INSTALL
    assert values["configuration.password"] == "from EXAM_SECRET_CS101_M1"
    assert values["configuration.examOpenDate"] == "Mon 2026-10-12 09:00 EDT"
    leaves = {*payload, *(f"configuration.{name}" for name in payload["configuration"])}
    hidden = {"configuration", "configuration.modalityOptions"}
    assert leaves - values.keys() == hidden


def test_the_layer_of_a_value_is_told_unless_it_is_the_exam() -> None:
    """A value from defaults, a profile or an environment is marked, but not one of a section."""
    at = Position("a.yaml", 3, 5)
    provenance = {
        "title": ValueSource(layer=Layer.EXAM, position=at),
        "type": ValueSource(layer=Layer.DEFAULTS, position=at),
        "configuration.duration": ValueSource(layer=Layer.SECTION, position=at, name="001"),
        "configuration.attempts": ValueSource(layer=Layer.PROFILE, position=at, name="lab"),
        "course": ValueSource(layer=Layer.EXAM, position=at),
        "courseSid": ValueSource(layer=Layer.ENVIRONMENT, position=None, name="staging"),
        "installSid": ValueSource(layer=Layer.ENVIRONMENT, position=None, name="staging"),
    }
    marks = {value.path: value.mark for value in values_of(cases.create(), {}, provenance)}
    assert {path: mark for path, mark in marks.items() if mark} == {
        "type": "defaults",
        "configuration.attempts": "profile lab",
        "installSid": "environment staging",
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Final\N{NO-BREAK SPACE}Exam", "Final\\xa0Exam"),
        ("Expose\N{COMBINING ACUTE ACCENT}", "Expose\\u0301"),
        ("Exposé à Zürich, 期末", "Exposé à Zürich, 期末"),
        ("क्षेत्र", "क्षेत्र"),
    ],
)
def test_what_looks_like_something_else_is_spelt_out(text: str, shown: str) -> None:
    """Unusual spaces and separate accents are visible; letters of any script stay as they are."""
    assert title_of({"title": text}) == shown
    assert told(cases.create(title=text))["title"] == shown


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("Final Exam", "Final\N{NO-BREAK SPACE}Exam", ('"Final Exam"', '"Final\\xa0Exam"')),
        ("Exposé", "Expose\N{COMBINING ACUTE ACCENT}", ('"Expos\\xe9"', '"Expose\\u0301"')),
        ("Exam", "Ex\N{CYRILLIC SMALL LETTER A}m", ('"Exam"', '"Ex\\u0430m"')),
        ("Zürich", "Genève", ('"Zürich"', '"Genève"')),
    ],
)
def test_sides_that_look_alike_are_spelt_out(before: str, after: str, shown: tuple[str, str]) -> None:
    """A difference that nobody can see is written in escapes, any other as it is."""
    assert sides_of(FieldDiff(path="title", before=before, after=after), None) == shown


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("America/Chicago", "Mon 2026-10-12 08:00 CDT"),
        ("Asia/Shanghai", "Mon 2026-10-12 21:00 UTC+8"),
        ("Asia/Kolkata", "Mon 2026-10-12 18:30 UTC+5:30"),
        ("Asia/Kathmandu", "Mon 2026-10-12 18:45 UTC+5:45"),
        ("Asia/Jerusalem", "Mon 2026-10-12 16:00 UTC+3"),
    ],
)
def test_a_zone_that_readers_mistake_is_an_offset(zone: str, shown: str) -> None:
    """CST is Chicago's; in Shanghai it would be taken for that, and is an offset."""
    values = told(replace(cases.create(), timezone=zone))
    assert values["configuration.examOpenDate"] == shown


def test_a_window_within_one_day_names_it_once() -> None:
    """The second bound needs no date."""
    change = cases.change("a", Action.CREATE, after=cases.payload(examCloseDate="2026-10-12T15:00:00.000Z"))
    window = window_of(change.after or {}, "exam", "America/New_York")
    assert window is not None
    assert window.local == "Mon 2026-10-12 09:00 \N{EN DASH} 11:00 EDT"
