"""Fields that are misspelt or out of place: what is said, and that it is all that is said."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from manifest_findings import DEFAULTS, findings

from reconciler.manifest.fields import Level, fields_of
from reconciler.manifest.schema.as_meant import manifest_as_meant
from reconciler.manifest.schema.field_names import is_synonym, meant_by
from reconciler.manifest.yaml.document import read
from reconciler.model.diagnostics import Severity

HEADER = f"""\
version: 1
installSid: AI{"1" * 32}
timezone: America/New_York
courses:
  cs101: CU{"2" * 32}
  cs210: CU{"3" * 32}
"""
ONE = """\
  cs101/one:
    title: One
    url: https://lms.example.edu/quiz/1
    configuration:
      examOpenDate: 2031-10-06T09:00
      examCloseDate: 2031-10-06T11:00
      duration: 90
      password: { fromEnv: EXAM_SECRET_1 }
"""
TWO = (
    ONE.replace("One", "Two")
    .replace("/one", "/two")
    .replace("quiz/1", "quiz/2")
    .replace("SECRET_1", "SECRET_2")
    .replace("10-06", "10-07")
)
VALID = f"{HEADER}{DEFAULTS}exams:\n{ONE}{TWO}"


def outdented(text: str, by: int, *, but: int = 1) -> str:
    """Return `text` with less indentation, apart from its first lines."""
    lines = text.splitlines(keepends=True)
    return "".join((*lines[:but], *(line[by:] for line in lines[but:])))


def changed(old: str, new: str, text: str = VALID) -> str:
    """Return `text` with the first `old` replaced."""
    assert old in text
    return text.replace(old, new, 1)


CASES = {
    "a block in the singular": (
        changed("defaults:", "default:"),
        (7, 1, "'default' is not a field of a manifest", "did you mean 'defaults'?"),
    ),
    "the exams in the singular": (
        changed("exams:", "exam:"),
        (14, 1, "'exam' is not a field of a manifest", "did you mean 'exams'?"),
    ),
    "courses in the singular": (
        changed("courses:", "course:"),
        (4, 1, "'course' is not a field of a manifest", "did you mean 'courses'?"),
    ),
    "a zone spelt apart": (
        changed("timezone:", "time_zone:"),
        (3, 1, "'time_zone' is not a field of a manifest", "did you mean 'timezone'?"),
    ),
    "a capital": (
        changed("    title:", "    Title:"),
        (16, 5, "'Title' is not a field of an exam", "did you mean 'title'?"),
    ),
    "a synonym": (
        changed("    url:", "    link:"),
        (17, 5, "'link' is not a field of an exam", "did you mean 'url'?"),
    ),
    "a course by another name": (
        changed("  course:", "  course_id:"),
        (8, 3, "'course_id' is not a field of 'defaults'", "did you mean 'course'?"),
    ),
    "a course by its SID": (
        changed("  course: cs101", f"  courseId: CU{'2' * 32}"),
        (8, 3, "'courseId' is not a field of 'defaults'", "did you mean 'courseSid'?"),
    ),
    "a start": (
        changed("examOpenDate:", "start:"),
        (19, 7, "'start' is not a field of 'configuration'", "did you mean 'examOpenDate'?"),
    ),
    "a synonym in both exams": (
        VALID.replace("examCloseDate:", "end:"),
        (
            20,
            7,
            "'end' is not a field of 'configuration' (and in 1 more exam)",
            "did you mean 'examCloseDate'?",
        ),
    ),
    "a time limit out of place": (
        changed(
            "    configuration:", "    timeLimit: 90\n    configuration:", changed("      duration: 90\n", "")
        ),
        (18, 5, "'timeLimit' is not a field of an exam", "did you mean 'duration', under `configuration`?"),
    ),
    "a field of which three may be meant": (
        changed("      duration: 90\n", "      notes: Bring a pen\n"),
        (
            21,
            7,
            "'notes' is not a field of 'configuration'",
            "did you mean 'studentNotes', 'proctorNotes' or 'permittedNotes'?",
        ),
    ),
    "a field that nobody knows": (
        changed("    title:", "    grade: 7\n    title:"),
        (16, 5, "'grade' is not a field of an exam", "Remove it; `reconciler explain` lists the fields."),
    ),
    "a field twice": (
        changed("    title: One\n", "    title: One\n    Title: Uno\n"),
        (17, 5, "'Title' is not a field of an exam", "Keep one of the two: 'title' is here too."),
    ),
    "what is in common": (
        changed("defaults:", "common: &common {type: Online}\ndefaults:"),
        (
            7,
            1,
            "'common' is not a field of a manifest",
            "Remove it; what exams have in common goes under `defaults` or `profiles`.",
        ),
    ),
    "a title in the configuration": (
        changed(
            "      duration: 90\n", "      duration: 90\n      title: One\n", changed("    title: One\n", "")
        ),
        (21, 7, "'title' is out of place", "It belongs one level up, beside `configuration`."),
    ),
    "a duration beside it": (
        changed(
            "    configuration:", "    duration: 90\n    configuration:", changed("      duration: 90\n", "")
        ),
        (18, 5, "'duration' is out of place", "It belongs under `configuration`."),
    ),
    "a configuration that is not indented": (
        f"{HEADER}{DEFAULTS}exams:\n{outdented(ONE, 2, but=4)}{TWO}",
        (
            19,
            5,
            "'examOpenDate', 'examCloseDate', 'duration', 'password' are out of place",
            "They belong under `configuration`.",
        ),
    ),
    "an install in an exam": (
        changed(
            "    title:",
            f"    installSid: AI{'1' * 32}\n    title:",
            changed(f"installSid: AI{'1' * 32}\n", ""),
        ),
        (15, 5, "'installSid' is out of place", "It belongs at the top of the file."),
    ),
    "a field of exams at the top": (
        changed("defaults:", "type: Online\ndefaults:", changed("  type: Online\n", "")),
        (7, 1, "'type' is out of place", "It belongs in an exam, or under `defaults` if all exams have it."),
    ),
    "an exam without indentation": (
        changed("  cs101/two:", "cs101/two:"),
        (23, 1, "'cs101/two' looks like an exam", "It belongs under `exams`, indented."),
    ),
    "all exams without indentation": (
        f"{HEADER}{DEFAULTS}exams:\n{outdented(ONE + TWO, 2, but=0)}",
        (15, 1, "'cs101/one', 'cs101/two' look like exams", "They belong under `exams`, indented."),
    ),
    "the fields of an exam beside its address": (
        f"{HEADER}{DEFAULTS}exams:\n{outdented(ONE, 2)}{TWO}",
        (
            16,
            3,
            "'title', 'url', 'configuration' are out of place",
            "They belong below the exam above, indented.",
        ),
    ),
    "the fields of an exam at the top": (
        f"{HEADER}{DEFAULTS}exams:\n{outdented(ONE, 4)}",
        (
            16,
            1,
            "'title', 'url', 'configuration' are out of place",
            "They belong below the exam above, indented.",
        ),
    ),
    "one field at the top": (
        f"{VALID}duration: 90\n",
        (31, 1, "'duration' is out of place", "It belongs below the exam above, indented."),
    ),
    "an exam within an exam": (
        f"{HEADER}{DEFAULTS}exams:\n{ONE}{''.join(f'  {line}' for line in TWO.splitlines(keepends=True))}",
        (23, 5, "'cs101/two' looks like an exam", "It belongs in line with the exam above."),
    ),
    "no line of exams after the defaults": (
        changed("exams:\n", ""),
        (
            14,
            3,
            "'cs101/one', 'cs101/two' look like exams",
            "They belong under a line `exams:`, which is missing above.",
        ),
    ),
    "no line of exams after the courses": (
        f"version: 1\n{DEFAULTS}{HEADER.removeprefix('version: 1' + chr(10))}{ONE}",
        (
            14,
            3,
            "'cs101/one' looks like an exam",
            "It belongs under a line `exams:`, which is missing above.",
        ),
    ),
    "no line of exams after the profiles": (
        changed("exams:\n", "profiles:\n  practice:\n    requireApproval: true\n"),
        (
            17,
            3,
            "'cs101/one', 'cs101/two' look like exams",
            "They belong under a line `exams:`, which is missing above.",
        ),
    ),
    "no line of defaults after the courses": (
        changed("defaults:\n", ""),
        (
            7,
            3,
            (
                "'course', 'type', 'useProctorManager', 'requireApproval', 'enableAppointmentSuggestions' "
                "and 1 more are out of place"
            ),
            "They belong under a line `defaults:`, which is missing above.",
        ),
    ),
    "a list of exams": (
        f"{HEADER}exams:\n  - course: cs101\n",
        (
            7,
            1,
            "'exams' must be a mapping, not a list",
            "Give each exam an address in place of its dash, as in `cs101/midterm-1:`.",
        ),
    ),
    "a no-break space in front of a field": (
        changed("      duration:", "      \N{NO-BREAK SPACE}duration:"),
        (
            21,
            7,
            "there is a no-break space (U+00A0) in the key 'duration'",
            "Remove it: write `duration:`.",
        ),
    ),
    "a space of no width behind a field": (
        changed("    title:", "    title\N{ZERO WIDTH SPACE}:"),
        (16, 5, "there is a zero width space (U+200B) in the key 'title'", "Remove it: write `title:`."),
    ),
    "no colon in front of a reference": (
        changed("password: {", "password {"),
        (22, 7, "the ':' after 'password' is missing", "Write `password: {…}`."),
    ),
    "no colon in front of a text with one": (
        changed("title: One", "title CS 101: One"),
        (16, 5, "the ':' after 'title' is missing", "Write `title: …`, and text with `: ` in it in quotes."),
    ),
    "a full-width colon": (
        changed("title: One", "title\N{FULLWIDTH COLON}CS 101: One"),
        (
            16,
            5,
            "a fullwidth colon (U+FF1A) stands after 'title' in place of ':'",
            "Write `title: …`, and text with `: ` in it in quotes.",
        ),
    ),
    "a zone in the configuration": (
        changed("      duration: 90\n", "      duration: 90\n      timezone: America/Chicago\n"),
        (22, 7, "'timezone' is out of place", "It belongs one level up, beside `configuration`."),
    ),
    "one word in place of a list": (
        changed("      duration: 90\n", "      duration: 90\n      proctor: Live\n"),
        (22, 7, "'proctor' is not a field of 'configuration'", "did you mean 'proctorTypes'?"),
    ),
    "a reference without its password": (
        changed("      password: { fromEnv: EXAM_SECRET_1 }", "      fromEnv: EXAM_SECRET_1"),
        (
            22,
            7,
            "'fromEnv' is not a field of 'configuration'",
            "It belongs to a password: `password: {fromEnv: …}`.",
        ),
    ),
    "letters swapped in a block": (
        f"{VALID}moved: [{{form: cs101/eins, to: cs101/one}}]\n",
        (31, 10, "'form' is not a field of item 1", "did you mean 'from'?"),
    ),
    "a block in another form": (
        f"{VALID}remove: [{{exam: cs101/old}}]\n",
        (31, 1, "'remove' is not a field of a manifest", "did you mean 'removed'?"),
    ),
    "an address that is only of the same course": (
        f"{VALID}imports: [{{exam: cs101/old, sid: EX{'1' * 32}}}]\n",
        (
            31,
            18,
            "'cs101/old' is to be imported, but no exam is declared there",
            "If that exam is gone, remove this block; otherwise declare it under `exams`.",
        ),
    ),
    "a SID in place of an alias": (
        changed("  course: cs101", f"  course: CU{'2' * 32}"),
        (
            8,
            11,
            f"no course is called 'CU{'2' * 32}' (in the exam 'cs101/one' and 1 more)",
            "It is a SID: write `courseSid:` instead of `course:`.",
        ),
    ),
    "bold text": (
        changed("title: One", "title: *One* or two"),
        (16, 12, "text that begins with '*' needs quotes", None),
    ),
    "an asterisk": (
        changed("title: One", "title: *One or two"),
        (16, 12, "text that begins with '*' needs quotes", None),
    ),
    "an alias of nothing": (
        changed("title: One", "title: *One"),
        (
            16,
            12,
            "this alias names an anchor that is not defined before it",
            "Put text that begins with `*` in quotes; an alias names an anchor (`&name`) above it.",
        ),
    ),
    "a letter for a digit": (
        changed("  course: cs101", "  course: cs10l"),
        (
            8,
            11,
            "no course is called 'cs10l' (in the exam 'cs101/one' and 1 more)",
            (
                "did you mean 'cs101' or 'cs210'? If not, add it to `courses` of this file or of the "
                "environment, or write `courseSid: CU…`."
            ),
        ),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_mistake_has_one_message_that_says_what_was_meant(tmp_path: Path, case: str) -> None:
    """The place, the words and the advice; nothing is derived from a mistake that is told."""
    text, (line, column, message, hint) = CASES[case]
    (found,) = findings(tmp_path, text)
    assert found.span is not None
    assert (found.span.start.line, found.span.start.column, found.message) == (line, column, message)
    assert hint in {None, found.hint}


def test_what_is_right_has_no_finding(tmp_path: Path) -> None:
    """The manifest that the cases change."""
    assert findings(tmp_path, VALID) == ()


@pytest.mark.parametrize("written", ["accessCode: tulip-7731", "passcode: tulip-7731", "Code: tulip-7731"])
@pytest.mark.parametrize("indent", ["", "  ", "    ", "      "])
def test_an_access_code_is_never_shown(tmp_path: Path, written: str, indent: str) -> None:
    """Wherever it stands, the field that was meant is named, and the value is in no part of a finding."""
    text = changed(
        "      password: { fromEnv: EXAM_SECRET_2 }\n", "", f"{HEADER}{DEFAULTS}exams:\n{TWO}{ONE}"
    )
    last = f"{indent}{written}\n"
    found = findings(tmp_path, changed("      password: { fromEnv: EXAM_SECRET_1 }\n", last, text))
    assert "tulip" not in repr(found)
    assert "'password'" in repr(found)


SLIPS = [
    *(
        "accessCode",
        "passcode",
        "code",
        "pin",
        "entry",
        "unlock",
        "passwd",
        "title",
        "Title",
        "name",
        "notes",
    ),
    *("start", "minutes", "config", "Config", "defaultz", "courses", "exam", "modality", "lms", "tz"),
    *("installSid", "contact", "foo", "cs101/x", "configuration.password"),
]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(SLIPS),
    st.sampled_from(
        ["tulip-7731", "[tulip-7731]", "{x: tulip-7731}", "[{x: tulip-7731}]", "{x: {y: tulip-7731}}"]
    ),
    st.sampled_from(["{}: {}", "{} : {}", '"{}\\u00a0": {}', "{} x: {}", "{}={}: y", "{} {} z: y"]),
    st.sampled_from(["", "    ", "      "]),
)
def test_the_value_of_an_unknown_field_is_never_shown(key: str, value: str, form: str, indent: str) -> None:
    """It may be a secret, whatever the field was taken for; a known field in its place is not meant."""
    assume("z" not in form or is_synonym(key))  # else it is one long key
    text = changed("      password: { fromEnv: EXAM_SECRET_2 }\n", f"{indent}{form.format(key, value)}\n")
    with tempfile.TemporaryDirectory() as root:
        found = findings(Path(root), text)
    places = {"title": "    ", "courses": "", "installSid": ""}
    if places.get(key) != indent:
        assert "tulip" not in repr(found), text


def test_all_other_mistakes_are_found_in_the_same_run(tmp_path: Path) -> None:
    """Below a misspelt block and in an exam out of place, what else is wrong is told too."""
    text = changed("  type: Online", "  type: Offline", changed("defaults:", "default:"))
    text = changed("  cs101/two:", "cs101/two:", changed("2031-10-07T09:00", "2031-10-32T09:00", text))
    assert sorted(each.code for each in findings(tmp_path, text)) == [
        "bad-date-time",
        "not-allowed-value",
        "unknown-field",
        "unknown-field",
    ]


LEVELS: tuple[Level, ...] = ("manifest", "exam", "configuration")


@pytest.mark.parametrize(
    ("level", "field"), [(level, field) for level in LEVELS for field in fields_of(level)]
)
def test_every_field_is_found_behind_every_slip(level: Level, field: str) -> None:
    """A letter too few, or twice, or swapped, or capitals: that field is meant, or it is one of those."""
    slips = {field.upper(), field.capitalize(), f"{field}s", f"{field[:3]}_{field[3:]}"}
    for at in range(1, len(field)):
        slips |= {f"{field[:at]}{field[at]}{field[at:]}"}
        if len(field) > 4:
            slips |= {f"{field[:at]}{field[at + 1 :]}"}
    for slip in (one for one in slips - fields_of(level) if not is_synonym(one)):
        meant = meant_by(slip, level)
        assert meant is not None, slip
        assert field in meant.names or slip in fields_of(meant.level), (slip, meant)


@pytest.mark.parametrize(
    "word",
    ["score", "grade", "state", "date", "color", "tags", "points", "sid", "weight", "language"],
)
def test_words_for_something_else_get_no_suggestion(word: str) -> None:
    """Letters that are alike are not enough: following such a hint would do harm."""
    assert [meant_by(word, level) for level in LEVELS] == [None] * 3


KEYS = [
    *("exams", "exam", "defaults", "courses", "profiles", "configuration", "cs/a", "cs/b"),
    *("title", "Title", "type", "duration", "timeLimit", "start", "password{", "url:x"),
]


@settings(max_examples=200)
@example({"exams": {}, "configuration": {"exams": ""}})
@example({"courses": {"configuration": {"exams": ""}}})
@given(
    st.recursive(
        st.one_of(st.text(max_size=8), st.sampled_from(["title", "Title", "cs/a", "duration", "password x"])),
        lambda inner: st.dictionaries(
            st.one_of(
                st.sampled_from(KEYS),
                st.text(max_size=6),
            ),
            inner,
            max_size=5,
        ),
        max_leaves=20,
    )
)
def test_no_file_is_too_odd_to_be_read_as_meant(tree: object) -> None:
    """Whatever stands where, there is an answer, and what is read as meant is meant as it is."""
    diagnostics, document = read("exams.yaml", json.dumps(tree).encode())
    if document is not None:
        meant = manifest_as_meant(document.root, diagnostics)
        assert len(meant.offsets) == 4 * len(meant)
        before = len(diagnostics.collected)
        assert manifest_as_meant(meant, diagnostics) == meant
        assert len(diagnostics.collected) == before


def test_a_hundred_thousand_unknown_fields_cost_little(tmp_path: Path) -> None:
    """Only some are looked at; the others are counted."""
    many = "".join(f"field{number}: {number}\n" for number in range(100_000))
    found = findings(tmp_path, VALID + many)
    assert len(found) == 1000
    assert {each.code for each in found} == {"unknown-field", "too-many"}


def test_a_thousand_exams_below_a_lost_line_are_one_finding(tmp_path: Path) -> None:
    """All of them are counted, and each is checked."""
    exams = "".join(
        ONE.replace("/one", f"/{number}").replace("One", f"No {number}") for number in range(1500)
    )
    found = findings(tmp_path, f"{HEADER}{DEFAULTS}{exams.replace('duration: 90', 'duration: long', 1)}")
    lost, wrong = (each for each in found if each.severity is Severity.ERROR)
    assert (lost.code, wrong.code) == ("unknown-field", "wrong-type")
    assert "and 1495 more look like exams" in lost.message


def test_words_in_place_of_many_addresses_cost_little(tmp_path: Path) -> None:
    """Of twenty thousand, a thousand are looked up; the others are what they are."""
    found = findings(tmp_path, VALID + "".join(f"  tit{number}le: 1\n" for number in range(20_000)))
    assert {each.code for each in found} == {"unknown-field", "too-many", "wrong-type"} - {"wrong-type"}
