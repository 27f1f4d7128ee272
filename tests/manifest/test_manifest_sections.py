"""Exams with sections: one exam each, with placeholders in texts."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from manifest_tree import AI, WHOLE, write

from reconciler.model.declarations import Declaration, Loaded
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.workspace import Workspace

COURSES = {f"cs-{key}": f"CU{key:0>32}" for key in ("001", "002", "a")}
FILE = {"installSid": AI, "courses": COURSES}
SHARED = {key: value for key, value in WHOLE.items() if key != "courseSid"} | {
    "course": "cs-{section}",
    "title": "Midterm, Section {section}",
    "url": "https://lms.example.edu/{course}/quiz/{address}",
    "configuration": {"duration": 90, "password": {"fromEnv": "EXAM_SECRET_CS_{section}"}},
}
PLAIN = SHARED | {"title": "T", "course": "cs-a", "url": "N/A", "configuration": {}}
TERM = {"starts": "2032-01-12", "ends": "2032-05-07"}


def load(root: Path, exam: dict[str, Any], **manifest: Any) -> Loaded:
    """What a manifest with one `exam` declares."""
    write(root, "reconciler.yaml", {"version": 1, "terms": {"2032sp": TERM}})
    write(root, "exams.yaml", FILE | {"exams": {"cs/mid": exam}} | manifest)
    return Workspace.open(root=root).validate()


def errors(loaded: Loaded) -> list[Diagnostic]:
    """The errors of `loaded`; warnings of rules are about other things."""
    return [one for one in loaded.diagnostics if one.severity is Severity.ERROR]


def exams(loaded: Loaded) -> dict[str, Declaration]:
    """The exams that are declared, without errors."""
    assert errors(loaded) == []
    return {exam.address: exam for exam in loaded.declared.exams}


def complaint(loaded: Loaded) -> Diagnostic:
    """The one error."""
    (found,) = errors(loaded)
    return found


def test_each_section_is_an_exam(tmp_path: Path) -> None:
    """It has the fields of the exam unless it says otherwise, and texts with its own key and course."""
    late = {"configuration": {"duration": 45}, "title": "Late", "type": "Online"}
    found = exams(load(tmp_path, SHARED | {"sections": {"001": {}, "002": late}}, term="2032sp"))
    first, second = found["2032sp/cs/mid/001"], found["2032sp/cs/mid/002"]
    assert first.payload == {
        "type": "Written",
        "useProctorManager": True,
        "requireApproval": False,
        "enableAppointmentSuggestions": True,
        "examDeliverySystemModule": "canvas",
        "title": "Midterm, Section 001",
        "url": "https://lms.example.edu/cs-001/quiz/cs/mid",
        "configuration": {"duration": 90, "password": {"fromEnv": "EXAM_SECRET_CS_001"}},
    }
    configuration: Any = second.payload["configuration"]
    assert (second.payload["title"], second.payload["type"], configuration["duration"]) == (
        "Late",
        "Online",
        45,
    )
    assert (second.course, second.course_sid, second.section) == ("cs-002", COURSES["cs-002"], "002")
    assert (first.term, first.declared_at.line < second.declared_at.line) == ("2032sp", True)


def test_a_section_may_override_anything(tmp_path: Path) -> None:
    """Profiles, environments, the course by SID, the password, and lists as a whole."""
    exam = SHARED | {
        "profiles": ["long"],
        "configuration": {"password": {"fromEnv": "EXAM_SECRET_X"}, "proctorTypes": ["a", "b"]},
        "sections": {
            "001": {},
            "a": {
                "profiles": [],
                "courseSid": COURSES["cs-a"],
                "configuration": {
                    "duration": 30,
                    "proctorTypes": ["{term}"],
                    "password": {"fromFile": "{section}.txt"},
                },
            },
        },
    }
    found = exams(
        load(tmp_path, exam, term="2032sp", profiles={"long": {"configuration": {"duration": 180}}})
    )
    durations = {address: exam.payload["configuration"] for address, exam in found.items()}
    assert durations == {
        "2032sp/cs/mid/001": {
            "duration": 180,
            "password": {"fromEnv": "EXAM_SECRET_X"},
            "proctorTypes": ["a", "b"],
        },
        "2032sp/cs/mid/a": {"duration": 30, "password": {"fromFile": "a.txt"}, "proctorTypes": ["2032sp"]},
    }
    assert found["2032sp/cs/mid/a"].payload["url"] == f"https://lms.example.edu/{COURSES['cs-a']}/quiz/cs/mid"


def test_values_of_a_section_are_traced_to_it(tmp_path: Path) -> None:
    """Its layer is above that of its exam, and each value has the place where it is written."""
    loaded = load(
        tmp_path, SHARED | {"sections": {"001": {"title": "First {{1}}"}}}, defaults={"requireApproval": True}
    )
    sources = loaded.provenance[loaded.declared.exams[0].address]
    words = {path: str(sources[path].layer_words) for path in ("title", "url", "requireApproval")}
    assert words == {"title": "section 001", "url": "exam", "requireApproval": "exam"}
    assert loaded.declared.exams[0].payload["title"] == "First {1}"


def test_placeholders_in_defaults_serve_sections_alone(tmp_path: Path) -> None:
    """An exam without sections has them as they are written."""
    manifest = {
        "defaults": {"description": "Room {section}"},
        "exams": {
            "with": SHARED | {"sections": {"001": {}}},
            "without": SHARED | {"title": "T {other}", "course": "cs-a", "url": "N/A", "configuration": {}},
        },
    }
    found = exams(load(tmp_path, {}, **manifest))
    assert (found["with/001"].payload["description"], found["without"].payload["description"]) == (
        "Room 001",
        "Room {section}",
    )
    assert found["without"].payload["title"] == "T {other}"


@pytest.mark.parametrize(
    ("exam", "code", "message", "hint"),
    [
        (
            {"title": "A {sectoin}"},
            "bad-placeholder",
            "'{sectoin}' is not a placeholder (in the exam 'cs/mid/001' and 1 more)",
            "did you mean {section}?",
        ),
        (
            {"title": "A {x}"},
            "bad-placeholder",
            "'{x}' is not a placeholder",
            "There are {section}, {course}, {term} and {address}; write {{ and }} for braces.",
        ),
        ({"title": "{section"}, "bad-placeholder", "'{' is not a placeholder", "write {{ and }}"),
        ({"title": "A }"}, "bad-placeholder", "'}' is not a placeholder", "write {{ and }}"),
        ({"title": "{term} A"}, "bad-placeholder", "'{term}' has no value here", "Add `term: NAME`"),
        (
            {"course": "{course}-{section}"},
            "bad-placeholder",
            "'{course}' has no value here",
            "Write the value itself.",
        ),
        (
            {"sections": {"00/1": {}}},
            "bad-address",
            "'00/1' cannot be the key of a section",
            "It ends the exam's address",
        ),
        ({"sections": {"a" * 122: {"course": "cs-a"}}}, "bad-address", "'cs/mid/aaaa", "at most 128"),
        (
            {"sections": {"001": {"sections": {"a": {}}}}},
            "misplaced-sections",
            "a section cannot have sections",
            "Write `sections` in an exam.",
        ),
        ({"sections": {}}, "wrong-value", "'sections' is empty", ""),
        ({"sections": ["001"]}, "wrong-type", "'sections' must be a mapping", ""),
        ({"sections": {"001": None}}, "wrong-type", "'001' must be a mapping", ""),
        (
            {"sections": {"001": {"tittle": "x"}}},
            "unknown-field",
            "'tittle' is not a field of a section",
            "did you mean 'title'?",
        ),
        ({"requireApproval": "no"}, "wrong-type", "'requireApproval' must be true or false", ""),
        (
            {"course": "cs-9"},
            "unknown-alias",
            "no course is called 'cs-9' (in the exam 'cs/mid/001' and 1 more)",
            "",
        ),
        ({"sections": {"x.y": {"course": "cs-a"}}}, "bad-secret", "letters, digits and '_'", ""),
    ],
)
def test_a_mistake_is_one_message(tmp_path: Path, exam: Any, code: str, message: str, hint: str) -> None:
    """It stands where it is written, and is told once for all sections that it affects."""
    found = complaint(load(tmp_path, SHARED | {"sections": {"001": {}, "002": {}}} | exam))
    assert found.code == code
    assert message in found.message
    assert hint in found.hint


def test_a_missing_field_is_told_at_the_exam(tmp_path: Path) -> None:
    """All sections lack it, and one line mends it."""
    found = complaint(
        load(
            tmp_path,
            {key: value for key, value in SHARED.items() if key != "title"}
            | {"sections": {"001": {}, "002": {}}},
        )
    )
    assert (found.code, found.address, len(found.others)) == ("missing-field", "cs/mid/001", 1)


@pytest.mark.parametrize("holder", ["defaults", "profiles"])
def test_only_exams_have_sections(tmp_path: Path, holder: str) -> None:
    """In defaults and profiles they would make many exams of each."""
    partial = {"sections": {"001": {}}}
    manifest = {holder: partial if holder == "defaults" else {"p": partial}}
    found = errors(load(tmp_path, PLAIN, **manifest))
    assert [one.code for one in found] == ["misplaced-sections"]


def test_a_key_that_is_a_number_must_be_quoted(tmp_path: Path) -> None:
    """YAML would read 001 as 1. That is the one mistake, it is shown, and others are found behind it."""
    exam = json.dumps(SHARED)[:-1] + ',\n"sections": {\n001: {course: cs-a}, 1e3: {course: nope}}}'
    text = json.dumps(FILE | {"version": 1})[:-1] + f', "exams": {{\n101: {exam}}}}}'
    write(tmp_path, "exams.yaml", text)
    found = Workspace.open(root=tmp_path).validate().diagnostics
    told = [(one.code, one.message, one.hint) for one in found if one.severity is Severity.ERROR]
    a_number = "a key must be text; this one is a number, true, false or null"
    assert told[:3] == [("non-string-key", a_number, "Put it in quotes.")] * 3
    assert [code for code, _, _ in told[3:]] == ["unknown-alias"]


def test_a_section_and_an_exam_cannot_share_an_address(tmp_path: Path) -> None:
    """An exam may not be declared at the address of a section."""
    manifest = {"exams": {"cs/mid": SHARED | {"sections": {"001": {}}}, "cs/mid/001": PLAIN}}
    assert complaint(load(tmp_path, {}, **manifest)).code == "duplicate-address"


def test_a_written_out_password_is_sent_as_it_is(tmp_path: Path) -> None:
    """Braces in it are part of the access code, and it is never shown."""
    loaded = load(tmp_path, SHARED | {"sections": {"001": {}}, "configuration": {"password": "tulip{7}"}})
    configuration: Any = exams(loaded)["cs/mid/001"].payload["configuration"]
    assert configuration["password"] != "tulip7"
    assert "tulip" not in str([(one.message, one.hint, one.excerpt) for one in loaded.diagnostics])


def test_what_sections_repeat_is_bounded(tmp_path: Path) -> None:
    """A small file cannot make values without end."""
    note = "{section}" * 20_000
    sections = {f"{number:04}": {"course": "cs-a"} for number in range(1_000)}
    found = errors(load(tmp_path, SHARED | {"description": note, "sections": sections}))
    assert [one.code for one in found] == ["too-large"]


@given(keys=st.permutations(["001", "002", "a"]))
def test_the_order_of_sections_means_nothing(
    tmp_path_factory: pytest.TempPathFactory, keys: list[str]
) -> None:
    """Sections are known by their keys."""
    root = tmp_path_factory.mktemp("w", numbered=True)
    found = exams(load(root, SHARED | {"sections": {key: {} for key in keys}}))
    assert {address: exam.payload["title"] for address, exam in found.items()} == {
        f"cs/mid/{key}": f"Midterm, Section {key}" for key in ("001", "002", "a")
    }


def test_an_exam_with_sections_is_what_its_sections_are_alone(tmp_path: Path) -> None:
    """Payload and digest are those of exams that are written out one by one."""
    one = exams(load(tmp_path, SHARED | {"sections": {"001": {}, "a": {"title": "A"}}}))
    written = {}
    for key, title in (("001", "Midterm, Section 001"), ("a", "A")):
        text = (
            json.dumps(SHARED)
            .replace("{section}", key)
            .replace("{course}", f"cs-{key}")
            .replace("{address}", "cs/mid")
        )
        written[f"cs/mid/{key}"] = json.loads(text) | {"title": title}
    other = exams(load(tmp_path, {}, exams=written))
    assert {address: exam.digest for address, exam in one.items()} == {
        address: exam.digest for address, exam in other.items()
    }
