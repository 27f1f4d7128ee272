"""The words for slips that people make, with place, hint and excerpt: one golden text for each."""

from pathlib import Path
from typing import Final

import pytest

from reconciler.manifest.loader import load
from reconciler.manifest.workspace_file import load_workspace
from reconciler.model.destination import Environment

BASE: Final = """\
version: 1
installSid: AI1234567890abcdef1234567890abcdef
timezone: America/New_York
courses:
  cs101: CU1234567890abcdef1234567890abcdef
defaults:
  type: Online
  useProctorManager: true
  requireApproval: false
exams:
  cs101/quiz-1:
    course: cs101
    title: "Quiz 1"
    url: https://lms.example.edu/quiz/1
    enableAppointmentSuggestions: true
    examDeliverySystemModule: canvas
    configuration:
      duration: 75
      password: { fromEnv: EXAM_SECRET_CS101_Q1 }
  cs101/midterm:
    course: cs101
    title: CS 101 Midterm
    url: https://lms.example.edu/quiz/2
    enableAppointmentSuggestions: true
    examDeliverySystemModule: canvas
    configuration:
      duration: 75
      proctorTypes:
        - Live
        - Review
      studentNotes: |
        Bring a pencil.
      password: { fromEnv: EXAM_SECRET_CS101_M }
moved: [{from: cs101/mid1, to: cs101/mid2}]
"""
TITLE: Final = "    title: CS 101 Midterm\n"
NOTES: Final = "      studentNotes: |\n"
LAST: Final = "      password: { fromEnv: EXAM_SECRET_CS101_M }\n"
NO_COLON: Final = "Write `:` and a space between the key and its value."
AS_PASSWORD: Final = "Write a password as `password: {fromEnv: EXAM_SECRET_NAME}`."
MOVED: Final = "moved: [{from: cs101/mid1, to: cs101/mid2}]\n"


def said(root: Path, file: str) -> list[tuple[str, str, str, str]]:
    """What is said of syntax: place, message, hint, and the line as it is shown."""
    found = load([file], root=root, environment=Environment()).diagnostics
    return [
        (f"{each.span.start.line}:{each.span.start.column}", each.message, each.hint, each.excerpt or "")
        for each in found
        if each.code == "syntax" and each.span is not None
    ]


CASES: Final = [
    (
        TITLE,
        "    title CS 101 Midterm\n",
        (
            "22:5",
            "the ':' after the key is missing",
            "Write `title: CS 101 Midterm`.",
            "    title CS 101 Midterm",
        ),
    ),
    (
        "duration: 75",
        "duration:75",
        ("18:7", "the space after ':' is missing", "Write `duration: 75`.", "      duration:75"),
    ),
    (
        "duration: 75",
        "duration = 75",
        ("18:16", "'=' stands here in place of ':'", "Write `duration: 75`.", "      duration = 75"),
    ),
    (
        "version: 1",
        "version :1",
        ("1:1", "the space after ':' is missing", "Write `version: 1`.", "version :1"),
    ),
    (
        TITLE,
        "    title:\xa0CS 101 Midterm\n",
        (
            "22:11",
            "a no-break space (U+00A0) stands here in place of a space",
            "Write `title: CS 101 Midterm`.",
            "    title:\ufffdCS 101 Midterm",
        ),
    ),
    (
        TITLE,
        "\xa0\xa0\xa0\xa0title: CS 101 Midterm\n",
        (
            "22:1",
            "a no-break space (U+00A0) stands here in place of a space",
            "Write `title: CS 101 Midterm`.",
            "\ufffd\ufffd\ufffd\ufffdtitle: CS 101 Midterm",
        ),
    ),
    (
        TITLE,
        "    title\uff1aCS 101 Midterm\n",
        (
            "22:10",
            "a full-width colon (U+FF1A) stands here in place of ':'",
            "Write `title: CS 101 Midterm`.",
            "    title\uff1aCS 101 Midterm",
        ),
    ),
    (
        TITLE,
        '    title: "CS 101 Midterm\n',
        (
            "22:12",
            "this quote is not closed",
            'Write `title: "CS 101 Midterm"`.',
            '    title: "CS 101 Midterm',
        ),
    ),
    (
        TITLE,
        '    "title: CS 101 Midterm\n',
        ("22:5", "this quote is not closed", "Write `title: CS 101 Midterm`.", '    "title: CS 101 Midterm'),
    ),
    (
        TITLE,
        "    title: \"CS 101 Midterm'\n",
        (
            "22:12",
            "this quote is not closed",
            'Write `title: "CS 101 Midterm"`.',
            "    title: \"CS 101 Midterm'",
        ),
    ),
    (
        TITLE,
        "     title: CS 101 Midterm\n",
        (
            "22:1",
            "this is indented 1 space more than line 21",
            "Line it up with line 21.",
            "     title: CS 101 Midterm",
        ),
    ),
    (
        TITLE,
        "   title: CS 101 Midterm\n",
        (
            "22:1",
            "this is indented 1 space less than line 21",
            "Line it up with line 21.",
            "   title: CS 101 Midterm",
        ),
    ),
    (
        "  cs101/midterm:",
        "   cs101/midterm:",
        (
            "20:1",
            "this is indented 1 space more than line 11",
            "Line it up with line 11.",
            "   cs101/midterm:",
        ),
    ),
    (
        "  cs101/midterm:",
        "  cs101/midterm: the second",
        (
            "20:18",
            "a key with fields below it takes no text",
            "Write `cs101/midterm: # the second`.",
            "  cs101/midterm: the second",
        ),
    ),
    (
        "  cs101/midterm:",
        "  cs101/midterm",
        ("20:3", "the ':' after the key is missing", "Write `cs101/midterm:`.", "  cs101/midterm"),
    ),
    (
        TITLE,
        "    title: [Practice] CS 101\n",
        (
            "22:12",
            "text goes on behind ']'",
            'Write `title: "[Practice] CS 101"`.',
            "    title: [Practice] CS 101",
        ),
    ),
    (
        TITLE,
        '    title: "Midterm" (2)\n',
        (
            "22:12",
            "text goes on behind the closing quote",
            "Write `title: '\"Midterm\" (2)'`.",
            '    title: "Midterm" (2)',
        ),
    ),
    (
        TITLE,
        '    title: "CS "101" Midterm"\n',
        (
            "22:12",
            'a " within the text ends it',
            "Write `title: 'CS \"101\" Midterm'`.",
            '    title: "CS "101" Midterm"',
        ),
    ),
    (
        TITLE,
        "    title: 'A student's midterm'\n",
        (
            "22:12",
            "a ' within the text ends it",
            'Write `title: "A student\'s midterm"`.',
            "    title: 'A student's midterm'",
        ),
    ),
    (
        TITLE,
        '    title: "CS 101 Midterm",\n',
        (
            "22:28",
            "a field ends with its line, not with a sign",
            'Write `title: "CS 101 Midterm"`.',
            '    title: "CS 101 Midterm",',
        ),
    ),
    (
        TITLE,
        "    title: CS 101: Midterm\n",
        (
            "22:12",
            "text with ': ' in it needs quotes",
            'Write `title: "CS 101: Midterm"`.',
            "    title: CS 101: Midterm",
        ),
    ),
    (
        TITLE,
        "    title: \u201cCS 101: Midterm\u201d\n",
        (
            "22:12",
            "'\u201c' is no quote in YAML",
            'Write `title: "CS 101: Midterm"`.',
            "    title: \u201cCS 101: Midterm\u201d",
        ),
    ),
    (
        TITLE,
        '    title: "C:\\Users\\me"\n',
        (
            "22:15",
            "YAML does not know this escape",
            "Write `title: 'C:\\Users\\me'`.",
            '    title: "C:\\Users\\me"',
        ),
    ),
    (
        TITLE,
        "    title: @CS 101 Midterm\n",
        (
            "22:12",
            "text that begins with '@' needs quotes",
            'Write `title: "@CS 101 Midterm"`.',
            "    title: @CS 101 Midterm",
        ),
    ),
    (
        TITLE,
        "    title: %CS 101 Midterm\n",
        (
            "22:12",
            "text that begins with '%' needs quotes",
            'Write `title: "%CS 101 Midterm"`.',
            "    title: %CS 101 Midterm",
        ),
    ),
    (
        TITLE,
        "    title: `CS 101 Midterm\n",
        (
            "22:12",
            "text that begins with '`' needs quotes",
            'Write `title: "`CS 101 Midterm"`.',
            "    title: `CS 101 Midterm",
        ),
    ),
    (
        TITLE,
        "    title: >CS 101 Midterm\n",
        (
            "22:12",
            "text that begins with '>' needs quotes",
            'Write `title: ">CS 101 Midterm"`.',
            "    title: >CS 101 Midterm",
        ),
    ),
    (
        TITLE,
        "    title: - CS 101 Midterm\n",
        (
            "22:12",
            "text that begins with '-' needs quotes",
            'Write `title: "- CS 101 Midterm"`.',
            "    title: - CS 101 Midterm",
        ),
    ),
    (
        TITLE,
        "    title: *CS 101 Midterm\n",
        (
            "22:12",
            "text that begins with '*' needs quotes",
            'Write `title: "*CS 101 Midterm"`.',
            "    title: *CS 101 Midterm",
        ),
    ),
    (
        TITLE,
        "    title: * CS 101 Midterm\n",
        (
            "22:12",
            "text that begins with '*' needs quotes",
            'Write `title: "* CS 101 Midterm"`.',
            "    title: * CS 101 Midterm",
        ),
    ),
    (
        TITLE,
        "    title: | CS 101 Midterm\n",
        (
            "22:12",
            "text that begins with '|' needs quotes",
            'Write `title: "| CS 101 Midterm"`.',
            "    title: | CS 101 Midterm",
        ),
    ),
    (
        TITLE,
        "<<<<<<< HEAD\n    title: CS 101 Midterm\n=======\n    title: Midterm\n>>>>>>> other\n",
        (
            "22:1",
            "a merge conflict was left here",
            "Keep one side, and remove the marker lines.",
            "<<<<<<< HEAD",
        ),
    ),
    (
        "version: 1\n",
        "```yaml\nversion: 1\n",
        ("1:1", "a Markdown fence is no YAML", "Remove the lines that begin with ``` or ~~~.", "```yaml"),
    ),
    (
        TITLE,
        "\ttitle: CS 101 Midterm\n",
        ("22:1", "a tab is used where YAML requires spaces", "Indent with spaces.", " title: CS 101 Midterm"),
    ),
    (
        TITLE,
        "    title, CS 101 Midterm\n",
        (
            "22:10",
            "',' stands here in place of ':'",
            "Write `title: CS 101 Midterm`.",
            "    title, CS 101 Midterm",
        ),
    ),
    (
        TITLE,
        "    title; CS 101 Midterm\n",
        (
            "22:10",
            "';' stands here in place of ':'",
            "Write `title: CS 101 Midterm`.",
            "    title; CS 101 Midterm",
        ),
    ),
    (
        TITLE,
        "    title -> CS 101 Midterm\n",
        (
            "22:11",
            "'->' stands here in place of ':'",
            "Write `title: CS 101 Midterm`.",
            "    title -> CS 101 Midterm",
        ),
    ),
    (
        TITLE,
        "    title - CS 101 Midterm\n",
        (
            "22:11",
            "'-' stands here in place of ':'",
            "Write `title: CS 101 Midterm`.",
            "    title - CS 101 Midterm",
        ),
    ),
    (
        TITLE,
        "    title. CS 101 Midterm\n",
        (
            "22:10",
            "'.' stands here in place of ':'",
            "Write `title: CS 101 Midterm`.",
            "    title. CS 101 Midterm",
        ),
    ),
    (
        TITLE,
        "    title: CS 101 Midterm, type: Online\n",
        (
            "22:28",
            "a second field begins on this line",
            "Write `title: CS 101 Midterm` and, on the next line, `type: Online`.",
            "    title: CS 101 Midterm, type: Online",
        ),
    ),
    (
        TITLE,
        "    // the second\n    title: CS 101 Midterm\n",
        ("22:5", "a comment begins with '#', not with '//'", "Begin it with `#`.", "    // the"),
    ),
    (
        TITLE,
        "    the second one\n    title: CS 101 Midterm\n",
        (
            "22:5",
            "this line has no key",
            "Indent it more if it goes on with line 21; begin a comment with `#`.",
            "    the",
        ),
    ),
    (
        TITLE,
        "    title: CS 101 Midterm\n    in the old gym\n",
        (
            "23:5",
            "this line has no key",
            "Indent it more if it goes on with line 22; begin a comment with `#`.",
            "    in",
        ),
    ),
    (
        "        - Review",
        "        Review",
        ("30:9", "the '-' of this item is missing", "Write `- Review`.", "        Review"),
    ),
    (
        "        - Review",
        "        -Review",
        ("30:9", "the space after '-' is missing", "Write `- Review`.", "        -Review"),
    ),
    (
        "        - Review",
        "        * Review",
        ("30:9", "'*' stands here in place of '-'", "Write `- Review`.", "        * Review"),
    ),
    (
        "        - Review",
        "        -- Review",
        ("30:9", "'--' stands here in place of '-'", "Write `- Review`.", "        -- Review"),
    ),
    (
        NOTES,
        "      studentNotes:\n        Bring a pencil.\n        Note: no phones.\n",
        (
            "31:7",
            "text over several lines needs '|' behind its key",
            "Write `studentNotes: |`.",
            "      studentNotes:",
        ),
    ),
    (
        "moved:",
        "...\nmoved:",
        ("34:1", "'...' ends the document here, and more follows", "Remove this line.", "..."),
    ),
    (
        "version: 1\n",
        "----\nversion: 1\n",
        ("1:1", "a line of signs is no YAML", "Remove it, or begin it with `#`.", "----"),
    ),
    (
        MOVED,
        "moved: [{from: cs101/mid1, to: cs101/mid2]}\n",
        (
            "34:42",
            "']' stands here in place of '}'",
            "Write `moved: [{from: cs101/mid1, to: cs101/mid2}]`.",
            "moved: [{from: cs101/mid1, to: cs101/mid2]}",
        ),
    ),
    (
        MOVED,
        "moved: [{from: cs101/mid1, to: cs101/mid2}\n",
        (
            "34:8",
            "'[' is not closed",
            "Write `moved: [{from: cs101/mid1, to: cs101/mid2}]`.",
            "moved: [{from: cs101/mid1, to: cs101/mid2}",
        ),
    ),
    (
        MOVED,
        "moved: [{from: cs101/mid1, to: cs101/mid2}]]\n",
        (
            "34:44",
            "this ']' closes nothing",
            "Write `moved: [{from: cs101/mid1, to: cs101/mid2}]`.",
            "moved: [{from: cs101/mid1, to: cs101/mid2}]]",
        ),
    ),
    (
        MOVED,
        "moved: [{from: cs101/mid1; to: cs101/mid2}]\n",
        (
            "34:26",
            "';' stands here in place of ','",
            "Write `moved: [{from: cs101/mid1, to: cs101/mid2}]`.",
            "moved: [{from: cs101/mid1; to: cs101/mid2}]",
        ),
    ),
    (
        MOVED,
        "moved: [{from: cs101/mid1,, to: cs101/mid2}]\n",
        (
            "34:27",
            "this ',' is one too many",
            "Write `moved: [{from: cs101/mid1, to: cs101/mid2}]`.",
            "moved: [{from: cs101/mid1,, to: cs101/mid2}]",
        ),
    ),
    (
        MOVED,
        "moved: [{from: cs101/mid1 to: cs101/mid2}]\n",
        (
            "34:26",
            "a ',' is missing here",
            "Write `moved: [{from: cs101/mid1, to: cs101/mid2}]`.",
            "moved: [{from: cs101/mid1 to: cs101/mid2}]",
        ),
    ),
    (
        MOVED,
        'moved: [{from: "cs101/mid1, to: cs101/mid2}]\n',
        (
            "34:16",
            "this quote is not closed",
            'Write `moved: [{from: "cs101/mid1", to: cs101/mid2}]`.',
            'moved: [{from: "cs101/mid1, to: cs101/mid2}]',
        ),
    ),
    (
        MOVED,
        "moved: [\n  {from: cs101/mid1, to: cs101/mid2}\n",
        (
            "35:37",
            "the '[' of line 34 is not closed",
            "Write `{from: cs101/mid1, to: cs101/mid2}]`.",
            "  {from: cs101/mid1, to: cs101/mid2}",
        ),
    ),
    (
        MOVED,
        "moved:\n  - from: cs101/mid1\n     to: cs101/mid2\n",
        (
            "36:1",
            "this is indented 1 space more than line 35",
            "Line it up with line 35.",
            "     to: cs101/mid2",
        ),
    ),
    (
        LAST,
        "      password: { fromEnv: EXAM_SECRET_CS101_M ]\n",
        (
            "33:48",
            "']' stands here in place of '}'",
            "Write `password: { fromEnv: EXAM_SECRET_CS101_M }`.",
            "      password: { fromEnv: EXAM_SECRET_CS101_M ]",
        ),
    ),
    (
        LAST,
        "      password: { fromEnv: EXAM_SECRET_CS101_M\n",
        (
            "33:17",
            "'{' is not closed",
            "Write `password: { fromEnv: EXAM_SECRET_CS101_M }`.",
            "      password: { fromEnv: EXAM_SECRET_CS101_M",
        ),
    ),
    (
        LAST,
        "      password: fromEnv: EXAM_SECRET_CS101_M\n",
        (
            "33:17",
            "a reference to a secret is written in braces",
            "Write `password: {fromEnv: EXAM_SECRET_CS101_M}`.",
            "      password: fromEnv: EXAM_SECRET_CS101_M",
        ),
    ),
    (
        LAST,
        "      password: (fromEnv: EXAM_SECRET_CS101_M)\n",
        (
            "33:17",
            "a reference to a secret is written in braces",
            "Write `password: {fromEnv: EXAM_SECRET_CS101_M}`.",
            "      password: (fromEnv: EXAM_SECRET_CS101_M)",
        ),
    ),
    (
        LAST,
        "      password: @hunter2xyz\n",
        (
            "33:7",
            "text that begins with '@' needs quotes",
            f"Put the whole text in quotes. {AS_PASSWORD}",
            "      password:",
        ),
    ),
    (
        LAST,
        "      password hunter2xyz\n",
        (
            "33:7",
            "the ':' after the key is missing",
            f"Write `:` and a space between the key and its value. {AS_PASSWORD}",
            "      password",
        ),
    ),
    (
        LAST,
        '      password: "hunter2xyz\n',
        (
            "33:7",
            "this quote is not closed",
            f"Close it at the end of the text. {AS_PASSWORD}",
            "      password:",
        ),
    ),
    (
        LAST,
        "      password: hunter2: xyz\n",
        (
            "33:7",
            "text with ': ' in it needs quotes",
            f"Put the whole text in quotes. {AS_PASSWORD}",
            "      password:",
        ),
    ),
    (
        LAST,
        "      password: {fromEnv: EXAM_SECRET_CS101_M # quiz A }\n",
        (
            "33:7",
            "a comment begins here, within the brackets",
            f"Close the brackets before the comment. {AS_PASSWORD}",
            "      password:",
        ),
    ),
    (
        "      proctorTypes:\n        - Live\n        - Review\n",
        "      proctorTypes: [Live, Review # both ]\n",
        (
            "28:35",
            "a comment begins here, within the brackets",
            "Write `proctorTypes: [Live, Review] # both`.",
            "      proctorTypes: [Live, Review # both ]",
        ),
    ),
    (
        LAST,
        "      password: fromFile: cs101/m\n",
        (
            "33:7",
            "a reference to a secret is written in braces",
            f"Put it in braces. {AS_PASSWORD}",
            "      password:",
        ),
    ),
    *(
        (
            LAST,
            f"      password: {written}\n",
            (
                "33:17",
                "a reference to a secret is written in braces",
                "Write `password: {fromEnv: EXAM_SECRET_CS101_M}`.",
                f"      password: {written}",
            ),
        )
        for written in ("fromEnv: EXAM_SECRET_CS101_M", "( fromEnv: EXAM_SECRET_CS101_M )")
    ),
    *(
        (
            LAST,
            f"{LAST}      {key}{rest}hunter2xyz\n",
            ("34:7", "the ':' after the key is missing", f"{NO_COLON} {AS_PASSWORD}", f"      {key}"),
        )
        for key, rest in (
            ("access code", " "),
            ("Access  Code", "\t"),
            ("Entry-Code", " - "),
            ("exam_code", " @"),
            ("PIN", " "),
            ("password", " my dear "),
        )
    ),
    (
        LAST,
        f"{LAST}      codigo hunter2xyz\n",
        ("34:7", "the ':' after the key is missing", NO_COLON, "      codigo"),
    ),
    (
        LAST,
        f"{LAST}      codigo de acceso hunter2xyz\n",
        (
            "34:7",
            "this line has no key",
            "Indent it more if it goes on with line 33; begin a comment with `#`.",
            "      codigo",
        ),
    ),
    (
        LAST,
        f'{LAST}      proctorNotes: "access code" hunter2xyz\n',
        (
            "34:21",
            "text goes on behind the closing quote",
            "Put the whole text in quotes.",
            '      proctorNotes: "access code',
        ),
    ),
]


@pytest.mark.parametrize(("written", "typed", "wanted"), CASES)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_slip_is_told_in_a_persons_words(
    tmp_path: Path, written: str, typed: str, wanted: tuple[str, ...], line_end: str
) -> None:
    """The line with the slip is named, with what is wrong in it and how it should read."""
    text = BASE.replace(written, typed, 1)
    (tmp_path / "exams.yaml").write_bytes(text.replace("\n", line_end).encode())
    assert said(tmp_path, "exams.yaml") == [wanted]


def test_every_slip_of_a_file_is_told(tmp_path: Path) -> None:
    """One run tells them all, and a block that is indented wrongly as a whole is told once."""
    text = BASE.replace("requireApproval:", "requireApproval =").replace(TITLE, TITLE.replace(":", ""))
    text = text.replace("      duration: 75\n      proctor", "       duration: 75\n       proctor")
    (tmp_path / "exams.yaml").write_text(text.replace(": [{from", "; [{from"), encoding="utf-8")
    assert [f"{each[0]} {each[1]}" for each in said(tmp_path, "exams.yaml")] == [
        "9:19 '=' stands here in place of ':'",
        "22:5 the ':' after the key is missing",
        "31:1 this is indented 1 space less than line 28",
        "34:6 ';' stands here in place of ':'",
    ]


def test_a_slip_in_a_base_file_or_the_workspace_file_is_told_there(tmp_path: Path) -> None:
    """Both are read like a manifest."""
    (tmp_path / "exams.yaml").write_text(BASE.replace("version: 1\n", "version: 1\nextends: [base.yaml]\n"))
    (tmp_path / "base.yaml").write_text("version: 1\ndefaults:\n  type Online\n  attempts: 1\n")
    (tmp_path / "reconciler.yaml").write_text("version: 1\nmaxCreates = 5\n")
    base = load(["exams.yaml"], root=tmp_path, environment=Environment()).diagnostics
    workspace = load_workspace(tmp_path, environment_name=None).diagnostics
    assert [
        (str(each.span.start), each.message)
        for each in (*base, *workspace)
        if each.code == "syntax" and each.span is not None
    ] == [
        ("base.yaml:3:3", "the ':' after the key is missing"),
        ("reconciler.yaml:2:12", "'=' stands here in place of ':'"),
    ]
