"""One mistake makes one message, which counts the exams that have it."""

import json
from pathlib import Path, PurePosixPath

import pytest
from manifest_findings import DEFAULTS, findings

from reconciler.manifest.loader import load
from reconciler.manifest.several_environments import in_all
from reconciler.model.destination import Environment
from reconciler.outputs.ci.places import Checkout
from reconciler.outputs.ci.sarif import sarif_document
from reconciler.outputs.json.writers import diagnostics_document, to_text

HEADER = f"""\
version: 1
installSid: AI{"1" * 32}
timezone: America/New_York
courses: {{cs101: CU{"2" * 32}, cs210: CU{"3" * 32}}}
"""
COUNT = 42


def exams(*numbers: int) -> str:
    """Return the block of exams with `numbers`, by default all 42."""
    return "exams:\n" + "".join(
        f"  cs101/quiz-{number}:\n"
        f"    title: Quiz {number}\n"
        f"    url: https://lms.example.edu/quiz/{number}\n"
        "    configuration:\n"
        f"      examOpenDate: 2031-{1 + number // 28:02}-{1 + number % 28:02}T09:00\n"
        f"      examCloseDate: 2031-{1 + number // 28:02}-{1 + number % 28:02}T11:00\n"
        "      duration: 90\n"
        f"      password: {{ fromEnv: EXAM_SECRET_{number} }}\n"
        for number in numbers or range(COUNT)
    )


VALID = f"{HEADER}{DEFAULTS}{exams()}"


def without(line: str, text: str = VALID) -> str:
    """Return `text` without every line that is `line`."""
    assert f"{line}\n" in text
    return text.replace(f"{line}\n", "")


def test_the_file_without_slips_is_valid(tmp_path: Path) -> None:
    """Nothing is found before a mistake is made."""
    assert findings(tmp_path, VALID) == ()


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (
            without("  type: Online"),
            "exams.yaml:12:3",
            "the exam lacks 'type' (and in 41 more exams)",
        ),
        (
            without("  course: cs101"),
            "exams.yaml:12:3",
            "the exam names no course (and in 41 more exams)",
        ),
        (
            without("timezone: America/New_York"),
            "exams.yaml:16:21",
            "examOpenDate: this time has no offset, and the file names no time zone (and in 41 more exams)",
        ),
        (
            without("  course: cs101").replace("    title:", "    course: cs10l\n    title:"),
            "exams.yaml:13:13",
            "no course is called 'cs10l' (and in 41 more exams)",
        ),
        (
            VALID.replace("  course: cs101", "  course: cs10l"),
            "exams.yaml:6:11",
            "no course is called 'cs10l' (in the exam 'cs101/quiz-0' and 41 more)",
        ),
        (
            VALID.replace("    title:", "    profiles: [live]\n    title:"),
            "exams.yaml:14:16",
            "no profile is called 'live' (and in 41 more exams)",
        ),
        (
            VALID.replace("    title:", "    environments: [prod]\n    title:"),
            "exams.yaml:14:20",
            "there is no environment 'prod' (and in 41 more exams)",
        ),
    ],
)
def test_what_all_exams_have_is_said_once(tmp_path: Path, text: str, place: str, message: str) -> None:
    """At the first exam, with the number of the others; these are named for programs."""
    (found,) = findings(tmp_path, text)
    assert (f"{found.span and found.span.start}", found.message) == (place, message)
    assert {found.address, *found.others} == {f"cs101/quiz-{number}" for number in range(COUNT)}


def test_what_some_exams_lack_is_said_of_each(tmp_path: Path) -> None:
    """Two titles that were forgotten are two mistakes, with two places."""
    text = without("    title: Quiz 7", without("    title: Quiz 30"))
    found = findings(tmp_path, text)
    assert [each.address for each in found] == ["cs101/quiz-7", "cs101/quiz-30"]
    assert [each.message for each in found] == ["the exam lacks 'title'"] * 2


def test_a_single_exam_is_not_counted(tmp_path: Path) -> None:
    """Two times of one exam without a zone are one message, about one exam."""
    text = without("timezone: America/New_York", f"{HEADER}{DEFAULTS}{exams(1)}")
    (found,) = findings(tmp_path, text)
    assert found.message.endswith("names no time zone")
    assert found.others == frozenset()


def test_what_a_base_file_lacks_is_said_once_for_all_files(tmp_path: Path) -> None:
    """Files that extend the same base files have its mistakes together; another file has its own."""
    extending = "version: 1\nextends: [_base.yaml]\n"
    files = {
        "_base.yaml": without("  type: Online", without("timezone: America/New_York", HEADER + DEFAULTS)),
        "a.yaml": extending + exams(1, 2),
        "b.yaml": extending + exams(3),
        "c.yaml": without("  type: Online", f"{HEADER}{DEFAULTS}{exams(4)}"),
    }
    found = findings(tmp_path, files)
    assert [(each.code, each.address, sorted(each.others)) for each in found] == [
        ("missing-field", "cs101/quiz-1", ["cs101/quiz-2", "cs101/quiz-3"]),
        ("no-timezone", "cs101/quiz-1", ["cs101/quiz-2", "cs101/quiz-3"]),
        ("missing-field", "cs101/quiz-4", []),
    ]


def test_programs_read_the_same(tmp_path: Path) -> None:
    """JSON and SARIF have one finding with all its exams."""
    found = findings(tmp_path, without("  type: Online"))
    addresses = {f"cs101/quiz-{number}" for number in range(COUNT)}
    (written,) = json.loads(to_text(diagnostics_document(found)))["diagnostics"]
    assert {written["address"], *written["others"]} == addresses
    checkout = Checkout(PurePosixPath("/repository"), PurePosixPath("/repository"))
    (run,) = json.loads(to_text(sarif_document(found, checkout, helps={})))["runs"]
    ((location,),) = [result["locations"] for result in run["results"]]
    assert {each["fullyQualifiedName"] for each in location["logicalLocations"]} == addresses


def test_environments_that_differ_in_the_number_are_told_once(tmp_path: Path) -> None:
    """An unknown course is one finding, although each environment has another number of exams with it."""
    text = without("  course: cs101").replace("    title:", "    course: cs999\n    title:")
    text = text.replace("    title: Quiz 7\n", "    title: Quiz 7\n    environments: [staging]\n")
    (tmp_path / "exams.yaml").write_text(text, encoding="utf-8")
    names = ("production", "staging")
    loaded = {
        name: load([], root=tmp_path, environment=Environment(name=name, names=names)) for name in names
    }
    (found,) = in_all(loaded).diagnostics
    assert found.message.startswith("no course is called 'cs999'")


def test_a_password_in_the_defaults_of_written_exams(tmp_path: Path) -> None:
    """It is written once, and told once for each of the two reasons against it."""
    lines = [line for line in f"{HEADER}{DEFAULTS}{exams()}".splitlines() if "password:" not in line]
    text = "\n".join(lines).replace("  type: Online", "  configuration: {password: tulip}")
    text = text.replace("    title:", "    type: Written\n    title:")
    told = [(each.code, each.message.partition(" (")[2]) for each in findings(tmp_path, text)]
    assert told == [
        ("inline-secret", "in the exam 'cs101/quiz-0' and 41 more)"),
        ("written-password", "and in 41 more exams)"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "place", "code"),
    [
        (f"cs101: CU{'2' * 32}", "cs101: TODO", "exams.yaml:4:18", "to-fill-in"),
        ("url: https://lms.example.edu/quiz/7\n", "url: TODO\n", "exams.yaml:71:10", "to-fill-in"),
        ("duration: 90", "duration: 90\n      apiExamId: TODO", "exams.yaml:20:18", "to-fill-in"),
        ("EXAM_SECRET_0 ", "EXAM_SECRET_TODO ", "exams.yaml:20:7", "bad-secret"),
        ("fromEnv: EXAM_SECRET_0 ", "fromFile: TODO ", "exams.yaml:20:7", "bad-secret"),
    ],
)
def test_what_a_rollover_marks_is_one_error(
    tmp_path: Path, before: str, after: str, place: str, code: str
) -> None:
    """No rule repeats it, and no exam is told that its course has no usable SID."""
    (found,) = findings(tmp_path, VALID.replace(before, after, 1))
    assert (f"{found.span and found.span.start}", found.code) == (place, code)
