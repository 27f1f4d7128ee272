"""Values, blocks and files that are not as they should be: what is said, and that nothing else is said."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from manifest_findings import findings

from reconciler.manifest.schema.duration_advice import duration_advice
from reconciler.manifest.workspace_file import load_workspace
from reconciler.rules.access import is_usable_url
from reconciler.rules.url_advice import url_advice

SID = f"CU{'0123456789abcdef' * 2}"
HEADER = f"""\
version: 1
installSid: AI{"1" * 32}
timezone: America/New_York
courses:
  cs101: {SID}
  cs210: CU{"2" * 32}
defaults: {{type: Online, useProctorManager: true, requireApproval: false, examDeliverySystemModule: canvas,
  enableAppointmentSuggestions: true}}
exams:
"""
EXAM = """\
  cs101/a:
    course: cs101
    title: Exam A
    url: https://lms.example.edu/a
    configuration:
      examOpenDate: 2031-12-01T09:00
      examCloseDate: 2031-12-03T17:00
      duration: 75
      password: { fromEnv: EXAM_SECRET_A }
"""
SECOND = (
    EXAM.replace("cs101", "cs210")
    .replace("/a", "/b")
    .replace("Exam A", "Exam B")
    .replace("T_A", "T_B")
    .replace("31-12", "31-11")
)
VALID = HEADER + EXAM + SECOND
TS = "TS4b894875d26194988853e490dfb9bc4"


def told(root: Path, files: str | Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return place, message and hint of what is found in `files`; a text is that of the only one."""
    return [
        (f"{each.span.start}" if each.span else "", each.message, each.hint) for each in findings(root, files)
    ]


@pytest.mark.parametrize(
    ("written", "meant", "place", "message", "hint"),
    [
        (
            f"cs101: {SID}",
            f"cs101: {SID.replace('0', 'O').replace('1', 'l')}",
            "exams.yaml:5:10",
            f"'{SID.replace('0', 'O').replace('1', 'l')}' is not right for 'cs101'",
            f"did you mean '{SID}'? It must be CU and 32 hexadecimal digits in lower case.",
        ),
        (
            "      duration: 75\n",
            f"      duration: 75\n      proctorTypes: [{TS}1 {TS}2]\n",
            "exams.yaml:18:22",
            "these are 2 SIDs in one item",
            "Put a comma between them, or each on a line of its own behind a `- `.",
        ),
        (
            "    title: Exam B\n",
            "    <<: *bas\n",
            "exams.yaml:21:9",
            "this alias names an anchor that is not defined before it",
            "did you mean `*base`?",
        ),
        (
            "      examOpenDate: 2031-11-01T09:00\n",
            "      <<: *bas\n",
            "exams.yaml:24:11",
            "this alias names an anchor that is not defined before it",
            "did you mean `*base`?",
        ),
        (
            f"courses:\n  cs101: {SID}\n",
            "courses:\n  <<: *lost\n",
            "exams.yaml:5:7",
            "this alias names an anchor that is not defined before it",
            "Put text that begins with `*` in quotes; an alias names an anchor (`&name`) above it.",
        ),
        (
            "    course: cs210\n",
            "    courses: cs210\n",
            "exams.yaml:20:5",
            "'courses' is not a field of an exam",
            "did you mean 'course'?",
        ),
        (
            "course: cs210",
            "course: 210",
            "exams.yaml:20:13",
            "'course' must be text, not a number",
            "Write a name from `courses`; one that consists of digits needs quotes.",
        ),
        (
            "duration: 75",
            "duration: 1:15",
            "exams.yaml:17:17",
            "'duration' must be a number, not text",
            "Write minutes, as a number: 75.",
        ),
        (
            "version: 1\n",
            "version: '1'\n",
            "exams.yaml:1:10",
            "'1' is not allowed for 'version'; allowed: 1",
            "Write 1 without quotes.",
        ),
        (
            "version: 1\n",
            "",
            "exams.yaml:1:1",
            "a manifest lacks 'version'",
            "Add `version: 1` to it.",
        ),
        (
            VALID[VALID.index("courses:") : VALID.index("defaults:")],
            "",
            "exams.yaml:8:13",
            "no course is called 'cs101' (and in 1 more exam)",
            "Add it to `courses` of this file or of the environment, or write `courseSid: CU…`.",
        ),
    ],
)
def test_one_mistake_in_a_value_makes_one_message(  # noqa: PLR0913, PLR0917 - the mistake, and all that is said
    tmp_path: Path, written: str, meant: str, place: str, message: str, hint: str
) -> None:
    """It is at the value, and its hint leads to what was meant."""
    text = VALID.replace("    configuration:", "    configuration: &base", 1)
    assert told(tmp_path, text) == []
    assert written in text
    assert told(tmp_path, text.replace(written, meant, 1)) == [(place, message, hint)]


@pytest.mark.parametrize(
    ("written", "minutes"),
    [
        *(("1:15", 75), ("1:15:00", 75), ("1h", 60), ("1,5", 90), ("1.5 hours", 90), ("1h30", 90)),
        *(("75 min", 75), ("90m", 90), ("1 h 30 min", 90), ("2 Std.", 120), ("PT75M", 75), ("pt1h15m", 75)),
    ],
)
def test_a_duration_in_another_form_is_given_in_minutes(written: str, minutes: int) -> None:
    """As people write it, and as ISO 8601 does."""
    assert duration_advice(written) == f"Write minutes, as a number: {minutes}."


@pytest.mark.parametrize(
    "written", ["", "long", "75:00", "90,0", "1:75", "0", "h", "pt", "1 - 2 h", "9" * 5000]
)
def test_a_duration_that_cannot_be_told_is_not_guessed(written: str) -> None:
    """Minutes and seconds look like hours and minutes; nothing is made up."""
    assert duration_advice(written) is None


BASE = """\
version: 1
profiles:
  open-book: { configuration: { permittedNotes: true } }
"""
WITH_PROFILE = VALID.replace("    title:", "    profiles: [open-book]\n    title:")


@pytest.mark.parametrize("base", ["_base.yaml", "exams/_base.yaml", "exams/other.yaml", "far/_base.yaml"])
def test_a_lost_extends_is_told_once(tmp_path: Path, base: str) -> None:
    """With the file beside the manifest, or above it, that has the profile; else as any unknown name."""
    for folder in ("exams", "far"):
        (tmp_path / folder).mkdir()
    (tmp_path / base).write_text(BASE, encoding="utf-8")
    found = told(tmp_path, {"exams/a.yaml": WITH_PROFILE})
    shown = {"_base.yaml": "../_base.yaml", "exams/_base.yaml": "_base.yaml"}.get(base)
    if shown is None:
        assert [hint for place, _, hint in found if place.startswith("exams/a")] == [
            "There is none. Define it under `profiles`."
        ]
        return
    assert found == [
        (
            "exams/a.yaml:12:16",
            "no profile is called 'open-book', and this file extends no other",
            f"{shown} has it: write `extends: [{shown}]` at the top of this file.",
        )
    ]
    assert told(tmp_path, {"exams/a.yaml": f"extends: [{shown}]\n{WITH_PROFILE}"}) == []


def test_a_lost_extends_of_a_section_is_told_once(tmp_path: Path) -> None:
    """A section lists profiles of its own."""
    told(tmp_path, {"_base.yaml": BASE})
    text = VALID.replace("    title:", "    sections: {a: {profiles: [open-book]}}\n    title:")
    ((_, message, _),) = told(tmp_path, {"exams.yaml": text})
    assert message.endswith("and this file extends no other")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("..\\_base.yaml", "../_base.yaml"),
        ("exams/_near.yaml", "_near.yaml"),
        ("exams\\_near.yaml", "_near.yaml"),
        (".\\_near.yaml", "_near.yaml"),
    ],
)
def test_a_path_with_wrong_slashes_or_folders_names_the_right_one(
    tmp_path: Path, written: str, meant: str
) -> None:
    """As Windows writes it, or from the workspace's directory; nothing outside of it is looked for."""
    (tmp_path / "exams").mkdir()
    told(tmp_path, {"_base.yaml": BASE, "exams/_near.yaml": BASE})
    ((_, _, hint),) = told(tmp_path, {"exams/a.yaml": f"extends: ['{written}']\n{WITH_PROFILE}"})
    assert hint == f"did you mean '{meant}'? Paths are relative to this file, with `/` between folders."
    away = written.replace("..", "..\\..").replace("exams", "..\\..")
    found = told(tmp_path, {"exams/a.yaml": f"extends: ['{away}']\n{WITH_PROFILE}"})
    assert ["../../" in hint for *_, hint in found] == [False]


@pytest.mark.parametrize(
    ("name", "is_copy"),
    [
        ("exams (1).yaml", True),
        ("Copy of exams.yaml", True),
        ("exams - Kopie.yaml", True),
        ("other.yaml", False),
    ],
)
def test_a_copied_file_is_told_once(tmp_path: Path, name: str, is_copy: bool) -> None:  # noqa: FBT001
    """However many exams it has; two other files with an address in common are told exam by exam."""
    found = told(tmp_path, {"exams.yaml": VALID, name: VALID})
    assert len(found) == (1 if is_copy else 2)
    if is_copy:
        assert found[0][1].endswith(" (and in 1 more exam)")
        assert found[0][2] == (
            f"{name} looks like a copy of exams.yaml: remove one of the files, "
            "or give its exams other addresses."
        )


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        *(
            (
                around.format("https://lms.example.edu/a"),
                "Write https://lms.example.edu/a and nothing around it.",
            )
            for around in (
                "“{}”",
                "\u2039{}\u203a",
                "<{}>",
                '"{}"',
                "[Quiz](https://lms.example.edu/a)",
                " {} ",
            )
        ),
        ("htps://lms.example.edu/a", "did you mean 'https://lms.example.edu/a'?"),
        ("https:/lms.example.edu/a", "did you mean 'https://lms.example.edu/a'?"),
        ("https//lms.example.edu/a", "did you mean 'https://lms.example.edu/a'?"),
        ("lms.example.edu/a", "did you mean 'https://lms.example.edu/a'?"),
        (
            "https://lms.example.edu/a b",
            "A URL has no spaces: remove what is not a part of it, and write %20 for a space that is.",
        ),
        ("Canvas", "Write the whole URL and nothing around it, like https://lms.example.edu/quiz/1."),
        ("ftp://x/a", "Write the whole URL and nothing around it, like https://lms.example.edu/quiz/1."),
        (f"<https://x/{'a' * 500}>", "Write the URL and nothing around it."),
    ],
)
def test_what_is_wrong_with_a_url_is_named(written: str, hint: str) -> None:
    """A corrected URL is one that a browser opens, and it is whole."""
    assert not is_usable_url(written)
    assert url_advice(written, is_usable_url) == hint


WORKSPACE = """\
version: 1
environments:
  one:
    state: file:one.json
  two:
    state: file:two.json
maxCreates: 20
"""


@pytest.mark.parametrize(
    ("written", "meant", "place", "message", "hint"),
    [
        (
            "  two:\n",
            "two:\n",
            "5:1",
            "'two' looks like an environment",
            "It belongs under `environments`, indented.",
        ),
        (
            "  one:\n    state",
            "one:\n    state",
            "3:1",
            "'one', 'two' look like environments",
            "They belong under `environments`, indented.",
        ),
        (
            "  two:\n    state",
            "    two:\n      state",
            "5:5",
            "'two' looks like an environment",
            "It belongs under `environments`, in line with the environment above.",
        ),
        (
            "maxCreates: 20\n",
            "apiUrl: https://api.example.edu\nstate: file:a.json\n",
            "7:1",
            "'apiUrl', 'state' are out of place",
            "They belong in an environment, below its name and indented.",
        ),
        (
            "maxCreates: 20\n",
            "  state: file:a.json\n",
            "7:3",
            "'state' is out of place",
            "It belongs in an environment, below its name and indented.",
        ),
        (
            "maxCreates: 20\n",
            "    maxCreates: 20\n",
            "7:5",
            "'maxCreates' is out of place",
            "It belongs at the top of the file.",
        ),
        (
            "maxCreates: 20\n",
            "  maxCreates: 20\n",
            "7:3",
            "'maxCreates' is out of place",
            "It belongs at the top of the file.",
        ),
    ],
)
def test_a_block_of_the_workspace_file_that_slipped_is_told_once(  # noqa: PLR0913, PLR0917 - as above
    tmp_path: Path, written: str, meant: str, place: str, message: str, hint: str
) -> None:
    """Nothing is to be removed: environments and their fields are known wherever they stand."""
    text = WORKSPACE.replace(written, meant, 1)
    if meant.startswith("one"):
        text = text.replace("  two:", "two:")
    (tmp_path / "reconciler.yaml").write_text(text, encoding="utf-8")
    (only,) = load_workspace(tmp_path, environment_name="one").diagnostics
    assert (str(only.span and only.span.start), only.message, only.hint) == (
        f"reconciler.yaml:{place}",
        message,
        hint,
    )
