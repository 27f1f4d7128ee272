"""A line that is lost, doubled or indented too far is named itself, once, and not the lines below it."""

from pathlib import Path

import pytest
from manifest_findings import findings

HEAD = f"""\
version: 1
installSid: AI{"1" * 32}
timezone: America/New_York
courses: {{cs101: CU{"2" * 32}, cs210: CU{"3" * 32}}}
defaults:
  type: Online
  useProctorManager: true
  requireApproval: false
  enableAppointmentSuggestions: true
  examDeliverySystemModule: canvas
exams:
"""
FIRST, SECOND, THIRD = (
    f"  {course}/{name}:\n"
    f"    course: {course}\n"
    f"    title: Exam {name}\n"
    f"    url: https://x.example.edu/{name}\n"
    "    configuration:\n"
    f"      examOpenDate: 2031-{month}-01T09:00\n"
    f"      examCloseDate: 2031-{month}-03T17:00\n"
    "      duration: 75\n"
    f"      password: {{ fromEnv: EXAM_SECRET_{name.upper()} }}\n"
    for course, name, month in (("cs101", "a", 10), ("cs210", "b", 11), ("cs210", "c", 12))
)
VALID = f"{HEAD}{FIRST}{SECOND}{THIRD}"
TOO_FAR = "a second exam begins here, and its address is indented too far"
AGAIN = "seems to begin here: 4 fields from line"


def said(root: Path, text: str) -> list[tuple[str, str, str]]:
    """Place and code, message, and hint of all that is found in `text`."""
    return [
        (f"{each.span.start.line}:{each.span.start.column} {each.code}", each.message, each.hint)
        for each in findings(root, text)
        if each.span is not None
    ]


@pytest.mark.parametrize(
    ("written", "slip", "expected"),
    [
        ("", "", ()),
        (
            "  cs210/b:\n",
            "",
            (
                "21:5 duplicate-key",
                f"a second exam {AGAIN} 13 on come again",
                "The line with its address is missing above, or is indented too far.",
            ),
        ),
        (
            SECOND[: SECOND.index("      ")],
            "",
            (
                "21:7 duplicate-key",
                f"a second block {AGAIN} 17 on come again",
                "The line with its name is missing above, or is indented too far.",
            ),
        ),
        (
            "  cs210/b:\n",
            "      cs210/b:\n",
            ("21:7 duplicate-key", TOO_FAR, "Line it up with the address of the exam above."),
        ),
        (
            "  cs210/b:\n",
            "    cs210/b:\n",
            ("21:5 duplicate-key", TOO_FAR, "Line it up with the address of the exam above."),
        ),
        (
            "  cs210/b:\n",
            "exams:\n  cs210/b:\n",
            (
                "21:1 duplicate-key",
                "the key 'exams' is here twice; it is first in line 11, column 1",
                "Remove this line; what is below it then belongs to the first.",
            ),
        ),
        (
            "  cs210/b:\n",
            "moved: []\nexams:\n  cs210/b:\n",
            (
                "22:1 duplicate-key",
                "the key 'exams' is here twice; it is first in line 11, column 1",
                "Move what is below it to the first, and remove this line.",
            ),
        ),
        (
            "    title: Exam b\n",
            "    title: Exam b\n    title: Exam b\n",
            (
                "24:5 duplicate-key",
                "the key 'title' is here twice; it is first in line 23, column 5",
                "Keep one of the two.",
            ),
        ),
    ],
)
def test_the_line_is_named_once(
    tmp_path: Path, written: str, slip: str, expected: tuple[()] | tuple[str, str, str]
) -> None:
    """The finding says what was lost or came twice; nothing else is found."""
    assert written in VALID
    assert said(tmp_path, VALID.replace(written, slip, 1)) == ([expected] if expected else [])


def test_the_exam_above_a_lost_address_is_not_judged_by_what_is_below(tmp_path: Path) -> None:
    """A field of the second exam that the first one lacks is none of the first."""
    slip = VALID.replace("  cs210/b:\n", "", 1).replace(
        "    title: Exam b\n", "    title: Exam b\n    type: Written\n"
    )
    assert [where for where, _, _ in said(tmp_path, slip)] == ["21:5 duplicate-key"]


def test_an_address_below_merged_fields_is_found(tmp_path: Path) -> None:
    """Fields that `<<` brings in are no lines below the address that slipped."""
    slip = VALID.replace("    configuration:\n", "    configuration:\n      <<: {attempts: 2}\n", 1)
    slip = slip.replace("  cs210/b:\n", "      cs210/b:\n", 1)
    assert [(where, message) for where, message, _ in said(tmp_path, slip)] == [
        ("22:7 duplicate-key", TOO_FAR)
    ]


def test_each_of_several_merges_is_told(tmp_path: Path) -> None:
    """A mapping with nothing but `<<` is no special case."""
    found = said(tmp_path, VALID.replace("title: Exam b", "title: {<<: {}, <<: {}, <<: {}}"))
    assert [where for where, _, _ in found if "duplicate" in where] == [
        "23:21 duplicate-key",
        "23:29 duplicate-key",
    ]


def test_two_fields_that_are_doubled_are_no_second_exam(tmp_path: Path) -> None:
    """Each of them is told by itself, as the second comes between the two of the first."""
    slip = VALID.replace("    title: Exam b\n", "    title: Exam b\n" * 2)
    slip = slip.replace("    url: https://x.example.edu/b\n", "    url: https://x.example.edu/b\n" * 2)
    assert [where for where, _, _ in said(tmp_path, slip)] == ["24:5 duplicate-key", "26:5 duplicate-key"]


def test_a_word_that_begins_with_an_exclamation_mark_is_kept(tmp_path: Path) -> None:
    """The hint says how to keep a word that YAML takes for a tag."""
    ((where, _, hint),) = said(tmp_path, VALID.replace("title: Exam b", "title: !Important Exam"))
    assert where == "23:12 tag-refused"
    assert hint.startswith("If the word that begins with `!` is a part of the text, put the whole text in")


QUIZ = (
    '  cs101/q: { course: cs101, title: "Q", url: "https://x.example.edu/1",\n'
    "    configuration: { duration: 75, password: { fromEnv: EXAM_SECRET_Q } } }\n"
)
HALF = QUIZ.removesuffix(" }\n") + "\n"
CLOSED = "Write `configuration: { duration: 75, password: { fromEnv: EXAM_SECRET_Q } }}`."
NO_KEY, ENDS = "this line has no key", "the file ends in text that has no keys"
INDENT = "Indent it more if it goes on with line {}; begin a comment with `#`."
REMOVE = "Remove its lines, or begin each with `#`; indent them if they go on a text above."
QUOTED = "the '>' of a quoted e-mail stands before this line"


@pytest.mark.parametrize(
    ("written", "slip", "expected"),
    [
        (
            "  cs101/a:\n",
            "",
            (
                "12:5",
                "the line with the address of this exam is missing above",
                "Write one like `cs101/midterm-1:`, indented less than this line.",
            ),
        ),
        (
            "  cs101/a:\n",
            "   cs101/a:\n",
            ("12:1", "this is indented 1 space more than line 21", "Line it up with line 21."),
        ),
        (
            "  cs210/b:\n",
            " cs210/b:\n",
            ("21:1", "this is indented 1 space less than line 12", "Line it up with line 12."),
        ),
        (
            "    configuration:\n      examOpenDate: 2031-11",
            "      examOpenDate: 2031-11",
            (
                "25:7",
                "the line `configuration:` is missing above",
                "Write it above this line, in line with line 24.",
            ),
        ),
        ("  cs210/b:\n", "  - cs210/b:\n", ("21:3", "'-' stands here before a key", "Write `cs210/b:`.")),
        (
            "    title: Exam b\n",
            "  \u2022 title: Exam b\n",
            ("23:3", "'\u2022' stands here before a key", "Write `title: Exam b`."),
        ),
        (
            "    title: Exam b\n",
            "\u3000\u3000title: Exam b\n",
            (
                "23:1",
                "an ideographic space (U+3000) stands here in place of a space",
                "Write `title: Exam b`.",
            ),
        ),
        ("    title: Exam b\n", "    title: Exam b\nand more\n", ("24:1", NO_KEY, INDENT.format(23))),
        ("duration: 75\n", "duration: 75\nCS 101,Final,2031-10-06\n", ("20:1", NO_KEY, INDENT.format(19))),
        (THIRD, f"{THIRD}--\nBest regards,\nMary\n", ("39:1", ENDS, REMOVE)),
        (HEAD, f"Hello,\n\n{HEAD}", ("1:1", "the file begins with text that has no keys", REMOVE)),
        (SECOND, SECOND.replace("  ", "> >   ", 1), ("21:1", QUOTED, "Remove each `> `.")),
        (
            "  cs210/b:\n",
            "  cs210/b;\n",
            (
                "21:3",
                "';' stands here in place of ':'",
                "Write `:` and a space between the key and its value.",
            ),
        ),
        (
            "defaults:\n",
            "defaults:\n    attempts: 2\n",
            (
                "6:5",
                "the line `configuration:` is missing above",
                "Write it above this line, indented more than line 5.",
            ),
        ),
        (
            "      examOpenDate: 2031-11-01T09:00\n      examCloseDate: 2031-11-03T17:00\n",
            "    examOpenDate: 2031-11-01T09:00\n    examCloseDate: 2031-11-03T17:00\n",
            (
                "28:7",
                "this is indented more than the lines above it, which belong under `configuration` too",
                "Indent what is between line 25 and this one like this line.",
            ),
        ),
        (THIRD, f"{THIRD}Best regards,\nMary\n", ("39:1", ENDS, REMOVE)),
        (VALID, VALID.replace("\n", "\n> "), ("2:1", f"{QUOTED}, and before 37 more", "Remove each `> `.")),
        ("    title: Exam b\n", ">     title: Exam b\n", ("23:1", QUOTED, "Remove each `> `.")),
        (SECOND, f"{HALF}{SECOND}", ("22:74", "the '{' of line 21 is not closed", CLOSED)),
        (THIRD, HALF, ("31:74", "the '{' of line 30 is not closed", CLOSED)),
        (
            THIRD,
            f"{THIRD}removed: [{{ exam: */old }}, {{ exam: */older }}]\n",
            (
                "39:19",
                "text that begins with '*' needs quotes",
                'Write `removed: [{ exam: "*/old" }, { exam: "*/older" }]`.',
            ),
        ),
    ],
)
def test_what_does_not_belong_there_is_told_once(
    tmp_path: Path, written: str, slip: str, expected: tuple[str, str, str]
) -> None:
    """The line that does not fit is named, and not the one where parsing stops."""
    assert written in VALID
    where, message, hint = expected
    assert said(tmp_path, VALID.replace(written, slip, 1)) == [(f"{where} syntax", message, hint)]


def test_brackets_over_two_lines_are_no_mistake(tmp_path: Path) -> None:
    """An exam in bracesover two lines is read as it is."""
    found = said(tmp_path, VALID.replace(SECOND, f"{QUIZ}{SECOND}", 1))
    assert [where for where, _, _ in found] == ["21:3 no-window"]


SPLIT = "in brackets, a comma ends a text"
NOT_SHOWN = "this is wrong, and not shown: it is in a secret, behind one on its line, or in an unknown field"


@pytest.mark.parametrize(
    ("written", "slip", "expected"),
    [
        (
            '"Q"',
            "Quiz 3, Algebra",
            ("21:42", SPLIT, 'Put the whole text in quotes: `title: "Quiz 3, Algebra"`.'),
        ),
        ('"Q"', "A, B, C", ("21:37", SPLIT, 'Put the whole text in quotes: `title: "A, B, C"`.')),
        (
            "duration: 75",
            "proctorTypes: [a, b], foo",
            ("22:44", "'foo' is not a field of 'configuration'", "Re"),
        ),
        ("duration: 75", "password: tu, xyzzy", ("22:34", NOT_SHOWN, "Write each field on")),
        ("duration: 75", "codeword: tu, xyzzy", ("22:34", NOT_SHOWN, "Write each field on")),
    ],
)
def test_a_comma_within_a_text_in_braces_is_told(
    tmp_path: Path, written: str, slip: str, expected: tuple[str, str, str]
) -> None:
    """The text is shown as it should read, unless it may be a secret."""
    place, message, hint = expected
    text = VALID.replace(SECOND, f"{QUIZ.replace(written, slip)}{SECOND}", 1)
    found = [each for each in said(tmp_path, text) if each[0] == f"{place} unknown-field"]
    assert [(said_there, advice.startswith(hint)) for _, said_there, advice in found] == [(message, True)]
    assert "xyzzy" not in f"{said(tmp_path, text)}"


BULLETS = "      proctorTypes:\n        \u2022 TS4b894875d26194988853e490dfb9bc41\n"
TYPES = "      proctorTypes:\n        -TS4b894875d26194988853e490dfb9bc41\n"


@pytest.mark.parametrize(
    ("slip", "hint"),
    [
        (
            f"{VALID}{TYPES}",
            "Begin each item with `- `, a dash and a space, in place of `-`.",
        ),
        (
            f"{VALID}{BULLETS}",
            "Begin each item with `- `, a dash and a space, in place of `\u2022`.",
        ),
        (VALID.replace("title: Exam b", "title:\n      - Exam b"), "Remove the `- ` before the text."),
        (VALID.replace("title: Exam b", "title: [Exam b]"), "Put it in quotes."),
        (
            VALID.replace("  cs101/a:", "  - cs101/a:").replace("  cs210/", "  - cs210/"),
            "Remove the `- ` before",
        ),
    ],
)
def test_a_dash_that_is_wrong_is_told(tmp_path: Path, slip: str, hint: str) -> None:
    """A dash without its space makes no list, and one before a text or an address is one too many."""
    ((_, _, advice),) = said(tmp_path, slip)
    assert advice.startswith(hint)


def test_a_description_with_a_colon_is_shown_in_quotes(tmp_path: Path) -> None:
    """What looks like a key in a text is a part of it."""
    slip = VALID.replace("title: Exam b", "title: Exam b\n    description: Note: bring a pen")
    assert said(tmp_path, slip) == [
        ("24:18 syntax", "text with ': ' in it needs quotes", 'Write `description: "Note: bring a pen"`.')
    ]
