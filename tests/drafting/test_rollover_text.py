"""Texts of a rollover: what must change is changed, and all else, comments included, is as it was."""

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from rolled import AI, COURSES, CU, DEFAULTS, EXAM, HEAD, NEW, OLD, new_text, put, rolled, workspace

from reconciler.model.errors import ManifestInvalid

WHOLE = f"{HEAD}{COURSES}{DEFAULTS}exams:\n"
SID = "EX1234567890abcdef1234567890abcdef"
BLOCKS = ("imports", "moved", "removed", "absent", "accepted")
MARK = "TODO"
REFERENCE = {"fromEnv": "EXAM_SECRET_TODO"}
DATES = {
    "2031-10-06T09:00": "2032-02-23T09:00",
    "2031-11-26 17:00": "2032-04-14 17:00",
    "2031-08-01T12:00:00Z": "2031-12-19T08:00:00-05:00",  # 08:00 in New York, in summer and in winter
    "2031-12-08T17:00:00-05:00": "2032-04-26T17:00:00-04:00",
}


def only_exam(text: str) -> dict[str, Any]:
    """The fields of the one exam of a manifest."""
    ((_, found),) = yaml.safe_load(text)["exams"].items()
    return found


def complaints(root: Path, text: str) -> list[str]:
    """Code and line of each error that keeps `text` from being rolled over."""
    with pytest.raises(ManifestInvalid) as caught:
        rolled(root, text)
    return [f"{each.code}:{each.span and each.span.start.line}" for each in caught.value.diagnostics]


class Emitter:
    """Writes a value as YAML in any style, with comments that are numbered."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - hypothesis would draw for minutes
        self.comments = 0

    def any_of(self, *choices: Any) -> Any:
        """One of `choices`."""
        return self.random.choice(choices)

    def scalar(self, value: Any, *, in_flow: bool) -> str:
        """A scalar, plain or in quotes."""
        if not isinstance(value, str):
            return json.dumps(value)
        plain = value if not in_flow and re.fullmatch(r"[A-Za-z][\w /-]*", value) else json.dumps(value)
        single = "'" + value.replace("'", "''") + "'"
        is_date = re.match(r"\d{4}-", value)
        return str(self.any_of(value if is_date else plain, json.dumps(value), single))

    def flow(self, value: Any) -> str:
        """A value in brackets."""
        if isinstance(value, dict):
            inner = ", ".join(
                f"{self.scalar(key, in_flow=True)}: {self.flow(item)}" for key, item in value.items()
            )
            return f"{{{inner}}}"
        if isinstance(value, list):
            return f"[{', '.join(map(self.flow, value))}]"
        return self.scalar(value, in_flow=True)

    def comment(self, indent: str) -> str:
        """A comment on a line of its own, blank lines, or nothing."""
        self.comments += 1
        return str(self.any_of("", "", "", "\n", f"{indent}# c{self.comments}c: [x\n"))

    def end(self) -> str:
        """The end of a line, perhaps with a comment."""
        self.comments += 1
        return str(self.any_of("\n", "\n", f"   # c{self.comments}c 'it\n"))

    def block(self, value: dict[str, Any], indent: str = "") -> str:
        """A mapping in lines of its own."""
        text = ""
        for key, item in value.items():
            start = f"{self.comment(indent)}{indent}{self.scalar(key, in_flow=False)}:"
            if not isinstance(item, dict | list) or not item or self.any_of(0, 1):
                text += f"{start} {self.flow(item)}{self.end()}"
            elif isinstance(item, dict):
                text += f"{start}{self.end()}{self.block(item, indent + '  ')}"
            else:
                lines = "".join(f"{indent}- {self.flow(each)}{self.end()}" for each in item)
                text += f"{start}{self.end()}{lines}"
        return text


def dates() -> st.SearchStrategy[dict[str, str]]:
    """Some dates of a configuration."""
    fields = ("examOpenDate", "examCloseDate", "scheduleOpenDate", "scheduleCloseDate")
    return st.dictionaries(st.sampled_from(fields), st.sampled_from(sorted(DATES)))


@st.composite
def manifests(draw: Any) -> dict[str, Any]:
    """A valid manifest of the fall, as its value."""
    secret = st.sampled_from([{"fromEnv": "EXAM_SECRET_A"}, {"fromFile": "a/b.txt"}])
    extra = st.fixed_dictionaries({}, optional={"password": secret, "apiExamId": st.just("77")})
    courses = st.sampled_from(["cs101", "2031fa-math", "phys 2"])
    found: dict[str, Any] = {
        "version": 1,
        "term": "2031fa",
        "installSid": AI,
        "timezone": "America/New_York",
        "courses": dict.fromkeys(("cs101", "2031fa-math", "phys 2"), CU),
        "defaults": yaml.safe_load(DEFAULTS)["defaults"] | {"configuration": draw(dates()) | draw(extra)},
        "exams": {},
    }
    for name in draw(st.lists(st.sampled_from(["a/x", "b", "c-1"]), min_size=1, unique=True)):
        url = draw(st.sampled_from(["https://lms.example.edu/q?a=1#b", "N/A"]))
        configuration = {"duration": 90, "studentNotes": "it's: # no, comment"} | draw(dates()) | draw(extra)
        has_sections = draw(st.booleans())
        title = f"{name} {{section}}" if has_sections else f"Exam {name}"
        fields = {"course": draw(courses), "title": title, "url": url, "configuration": configuration}
        found["exams"][name] = fields
        if has_sections:
            found["exams"][name]["sections"] = {"s1": {}, "s2": {"configuration": draw(dates())}}
    blocks = {
        "imports": [{"exam": "gone", "sid": SID}],
        "removed": [{"exam": "older"}],
        "moved": [{"from": "old", "to": "a/x"}],
    }
    for name in draw(st.lists(st.sampled_from(sorted(blocks)), unique=True)):
        found[name] = blocks[name]
    return {key: found[key] for key in draw(st.permutations(sorted(found)))}


def expected(value: Any, key: str = "") -> Any:
    """What a value of a manifest is in the spring."""
    if key == "password":
        return {form: MARK if form == "fromFile" else REFERENCE[form] for form in value}
    if isinstance(value, dict):
        return {
            expected(name, "course") if key == "courses" else name: expected(
                item, "sid" if key == "courses" else name
            )
            for name, item in value.items()
            if name not in BLOCKS
        }
    if key in {"apiExamId", "sid"} or (key == "url" and value != "N/A"):
        return MARK
    if key == "course":
        return value.replace("2031fa", "2032sp") if "2031fa" in value else f"2032sp-{value}"
    if key == "term":
        return "2032sp"
    return DATES.get(value, value) if isinstance(value, str) else value


def is_shown_as(line: str, shown: str) -> bool:
    """Whether `shown` is the line, or what is left of it: long lines, and lines with secrets, are cut."""
    return shown == "…" or line.startswith(shown)


def patched(text: str, diff: Iterable[str]) -> list[str]:
    """The lines of `text` with a unified diff applied to it."""
    lines, made, here = text.splitlines(), list[str](), 0
    for line in list(diff)[2:]:
        if header := re.match(r"@@ -(\d+),", line):
            made += lines[here : int(header[1]) - 1]
            here = int(header[1]) - 1
        else:
            if line[0] != "+":
                assert is_shown_as(lines[here], line[1:])
                here += 1
            made += [line[1:]] * (line[0] != "-")
    return made + lines[here:]


def loaded(text: str) -> Any:
    """A YAML text as PyYAML reads it, with all scalars as text; ours is not asked."""
    return yaml.load(text.removeprefix("\ufeff"), Loader=yaml.BaseLoader)  # noqa: S506 - it makes texts only


@given(manifests(), st.integers(0, 2**32), st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", "\ufeff"]))
def test_any_manifest_is_edited_and_nothing_else_changes(
    manifest: dict[str, Any], seed: int, line_end: str, mark: str
) -> None:
    """Whatever the styles, comments outside removed blocks stay, in order; so do line ends and the BOM."""
    emitter = Emitter(seed)
    is_flow = emitter.any_of(*range(4)) == 0
    parts = [emitter.block({key: item}) for key, item in manifest.items()]
    text = mark + (emitter.flow(manifest) if is_flow else "".join(parts)).replace("\n", line_end)
    with TemporaryDirectory() as folder:
        (file,) = rolled(Path(folder), text, more="rules: {window-order: off}\n").files
    made = file.content.decode()
    after = made.removeprefix(mark).splitlines()
    shown = patched(text.removeprefix(mark), file.diff)
    assert [is_shown_as(*pair) for pair in zip(after, shown, strict=True)] == [True] * len(after)
    assert loaded(made) == loaded(json.dumps(expected(manifest)))
    assert made.startswith(mark)
    assert re.sub(line_end, "", made).isprintable() or "\ufeff" in made
    comments = re.compile(r"#(?= c\d+c).*")
    kept, removed = list[str](), list[str]()
    for key, part in zip(manifest, parts, strict=True):
        (removed if key in BLOCKS else kept).extend(comments.findall(part))
    found = comments.findall(made.replace("\r", ""))
    if not is_flow:
        assert [each for each in found if each in kept] == kept
        assert len(found) <= len(kept) + len(removed)


def configured(lines: str, exam: str = EXAM) -> str:
    """A manifest whose one exam has these lines of configuration."""
    head, _, _ = exam.partition(" configuration:")
    inner = head.replace("{", "\n    ", 1).replace(", ", "\n    ").rstrip("\n ,")
    return f"{WHOLE}  {inner}\n    configuration:\n{lines}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # What is right above and below a block, and in it, belongs to it.
        (
            "\n# adopted\nimports: # x\n  # one\n  - {exam: a, sid: SID}\n  # two\n# three\n\n# exams\n",
            "\n# exams\n",
        ),
        # A comment between blank lines, and one above the next key, do not.
        ("\nimports:\n- {exam: a, sid: SID}\n\n# alone\n\n# exams\n", "\n# alone\n\n# exams\n"),
        ("imports: [{exam: a, sid: SID}]\n# exams\n", "# exams\n"),
        ("imports:\n- exam: a\n  sid: SID\nremoved: [{exam: b}]\n\n", ""),
    ],
)
def test_a_block_goes_with_its_comments(tmp_path: Path, before: str, after: str) -> None:
    """Comments of what follows stay."""
    top, exams = f"{HEAD}{COURSES}{DEFAULTS}", f"exams:\n  {EXAM}\n"
    made = new_text(tmp_path, top + before.replace("SID", SID) + exams)
    assert made.startswith(new_text(tmp_path, top + exams).partition("exams:")[0] + after + "exams:")


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\n# end\n", "  # end"])
def test_blocks_at_the_end_leave_no_blank_lines(tmp_path: Path, end: str) -> None:
    """The file ends as it would without them."""
    top = f"{WHOLE}  {EXAM}\n"
    made = new_text(
        tmp_path, f"{top}\n# why\nremoved: [{{exam: b}}]\n\nimports: [{{exam: a, sid: {SID}}}]{end}"
    )
    assert made == new_text(tmp_path, top)


def test_comments_at_the_top_stay(tmp_path: Path) -> None:
    """An editor finds the schema there, also if a block comes first."""
    top = "# yaml-language-server: $schema=x.json\n"
    made = new_text(tmp_path, f"{top}removed: [{{exam: b}}]\n{WHOLE}  {EXAM}\n")
    assert made == top + new_text(tmp_path, f"{WHOLE}  {EXAM}\n")


def test_a_manifest_in_json_stays_json(tmp_path: Path) -> None:
    """Blocks go with their commas, and short names that are lacking are added in quotes."""
    head = {"version": 1, "term": "2031fa", "installSid": AI, "removed": [{"exam": "x"}]}
    part = yaml.safe_load(DEFAULTS) | {"exams": yaml.safe_load(EXAM)}
    blocks = {"moved": [{"from": "y", "to": "cs101/final"}], "imports": [{"exam": "a", "sid": SID}]}
    environment = f"environments: {{one: {{courses: {{cs101: {CU}}}}}}}\n"
    for indent in (None, 2):
        text = json.dumps(head | part | blocks, indent=indent)
        found = json.loads(new_text(tmp_path, text, more=environment))
        assert list(found) == ["version", "term", "courses", "installSid", "defaults", "exams"]
        assert found["courses"] == {"2032sp-cs101": MARK}


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("courses", "after"),
    [
        ("", "term: 2032sp\ncourses:\n  2032sp-cs101: TODO\n"),
        (f"courses: {{x: {CU}}} # y\n", "courses: {2032sp-x: TODO, 2032sp-cs101: TODO} # y\n"),
        (f"courses:\n    x: {CU} # y\n", "courses:\n    2032sp-x: TODO # y\n    2032sp-cs101: TODO\n"),
        (f"courses:\n  'x': &a '{CU}'\n", "courses:\n  '2032sp-x': &a 'TODO'\n  2032sp-cs101: TODO\n"),
        ("courses: {}\n", "courses: {2032sp-cs101: TODO}\n"),
        (f"courses:\n  <<: {{x: {CU}}}\n", "courses:\n  <<: {2032sp-x: TODO, 2032sp-cs101: TODO}\n"),
    ],
)
def test_short_names_of_an_environment_get_a_new_one_to_fill_in(
    tmp_path: Path, courses: str, after: str, line_end: str
) -> None:
    """No exam of the new term resolves to a course of the old one."""
    text = f"{HEAD}{courses}{DEFAULTS}exams:\n  {EXAM}\n".replace("\n", line_end)
    made = new_text(tmp_path, text, more=f"environments: {{one: {{courses: {{cs101: {CU}}}}}}}\n")
    assert after.replace("\n", line_end) in made
    assert only_exam(made)["course"] == "2032sp-cs101"


def test_a_shared_value_is_edited_once(tmp_path: Path) -> None:
    """Anchors, aliases and merge keys stay; an alias of what stays as it is becomes the value."""
    made = new_text(
        tmp_path,
        configured(
            "      examOpenDate: &open 2031-10-06T09:00\n      scheduleOpenDate: *open\n"
            "      proctorNotes: &note 2031-10-06T17:00\n      examCloseDate: *note # end\n"
            "      password: &secret {fromEnv: EXAM_SECRET_A}\n"
        )
        + "  b: &b\n    <<: {course: cs101, title: B, url: u}\n    configuration: {password: *secret}\n"
        "  c: {<<: *b, title: C}\n",
    )
    assert "&open 2032-02-23T09:00\n" in made
    assert "scheduleOpenDate: *open\n" in made
    assert '&note 2031-10-06T17:00\n      examCloseDate: "2032-02-23T17:00" # end\n' in made
    assert "&secret {fromEnv: EXAM_SECRET_TODO}\n" in made
    assert "<<: {course: 2032sp-cs101, title: B, url: TODO}" in made
    assert "c: {<<: *b, title: C}\n" in made


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        ("      examOpenDate: &open 2031-10-06T09:00\n      proctorNotes: *open\n", 19),
        (
            (
                "      examOpenDate: &open 2031-10-06T09:00Z\n"
                "  b: {course: cs101, title: B, url: u, timezone: Asia/Tokyo,"
                " configuration: {examOpenDate: *open}}\n"
            ),
            None,
        ),
    ],
)
def test_a_value_that_two_need_otherwise_is_written_out_or_refused(
    tmp_path: Path, lines: str, line: int | None
) -> None:
    """A text that would change with a date is named; two dates that differ are both right."""
    text = configured(lines)
    if line is not None:
        assert complaints(tmp_path, text) == [f"cannot-edit:{line}"]
    else:
        made = yaml.safe_load(new_text(tmp_path, text))["exams"]
        assert made["cs101/final"]["configuration"]["examOpenDate"] == "2032-02-23T05:00-05:00"
        assert made["b"]["configuration"]["examOpenDate"] == "2032-02-23T18:00+09:00"


@pytest.mark.parametrize(
    ("written", "after"),
    [
        ("{fromEnv: EXAM_SECRET_A}", REFERENCE),
        ("{fromFile: cs101/final.txt}", {"fromFile": MARK}),
        ("hunter2 # the old one", REFERENCE),
        ("|\n        hunter2\n", REFERENCE),
    ],
)
def test_a_password_is_to_be_filled_in(tmp_path: Path, written: str, after: Any) -> None:
    """A password that is written out becomes a reference, and is in nothing that is shown."""
    (made,) = rolled(tmp_path, configured(f"      password: {written}\n      duration: 9\n")).files
    assert only_exam(made.content.decode())["configuration"] == {"password": after, "duration": 9}
    assert made.gaps[-1].field == "cs101/final password"
    assert "hunter2" not in repr((made.diff, made.gaps, made.shifts))


def test_a_date_with_a_placeholder_is_to_be_filled_in(tmp_path: Path) -> None:
    """It is a date only in each section; so is one that every section overrides, and that nothing checks."""
    dates = 'examOpenDate: "2031-10-0{section}T09:00", examCloseDate: soon'
    fields = 'course: cs101, title: "Final {section}", url: N/A, configuration: {duration: 9, ' + dates
    sections = 'sections: {"6": {configuration: {examCloseDate: 2031-10-06T17:00}}}'
    text = f"{WHOLE}  cs101/final: {{{fields}}}, {sections}}}\n"
    made = only_exam(new_text(tmp_path, text))
    assert made["configuration"] == {"duration": 9, "examOpenDate": MARK, "examCloseDate": MARK}
    assert made["sections"]["6"]["configuration"] == {"examCloseDate": "2032-02-23T17:00"}


def test_texts_that_are_right_in_every_term_are_kept(tmp_path: Path) -> None:
    """N/A, and texts with {term}; {course} in a text is told, since it stands for another name now."""
    text = f"""{WHOLE}  a:
    title: "T {{section}} of {{course}}"
    course: "{{term}}-{{section}}"
    url: "https://lms.example.edu/{{term}}/{{course}}"
    configuration: {{password: {{fromEnv: "EXAM_SECRET_{{term}}_{{section}}"}}}}
    sections:
      s1: {{url: N/A}}
      s2: {{course: "c-{{section}}", url: "https://lms.example.edu/{{course}}"}}
"""
    known = f"environments: {{one: {{courses: {{2031fa-s1: {CU}, c-s2: {CU}}}}}}}\n"
    made = rolled(tmp_path, text, more=known)
    (file,) = made.files
    found = yaml.safe_load(file.content)
    (exam,) = found["exams"].values()
    assert exam["url"] == "https://lms.example.edu/{term}/{course}"
    assert exam["configuration"]["password"] == {"fromEnv": "EXAM_SECRET_{term}_{section}"}
    assert exam["course"] == "{term}-{section}"
    assert exam["sections"] == {"s1": {"url": "N/A"}, "s2": {"course": "2032sp-c-{section}", "url": MARK}}
    assert {"2032sp-s1", "2032sp-c-s2"} <= found["courses"].keys()
    assert [each.code for each in made.warnings] == ["names-old-term"]


def test_whole_addresses_get_the_new_term(tmp_path: Path) -> None:
    """Also those of `distinct`, which is kept, since the copies look alike too."""
    text = f"""{HEAD.replace("term: 2031fa", "# no term")}{COURSES}{DEFAULTS}exams:
  2031fa/{EXAM}
  "2031fa/cs101/twin": {{course: cs101, title: Final, url: u, configuration: {{}}}} # twin
distinct: [{{exam: 2031fa/cs101/final, from: '2031fa/cs101/t*', reason: two rooms of 2031fa}}]
"""
    made = new_text(tmp_path, text)
    assert "  2032sp/cs101/final: {course: 2032sp-cs101," in made
    assert (
        '"2032sp/cs101/twin": {course: 2032sp-cs101, title: Final, url: TODO, configuration: {}} # twin'
        in made
    )
    assert "{exam: 2032sp/cs101/final, from: '2032sp/cs101/t*', reason: two rooms of 2031fa}" in made


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Final, Fall 2031", True),
        ("final of fall  term 2031", True),
        ("Exam 2031fa/1", True),
        ("Of 2031", True),
        ("Final, Spring 2032", False),
        ("Order 12031, x2031fay", False),
    ],
)
def test_texts_that_name_the_old_term_are_told(tmp_path: Path, text: str, found: bool) -> None:  # noqa: FBT001
    """They are not changed: nobody but a person knows what they should say."""
    made = rolled(tmp_path, f"{WHOLE}  {EXAM.replace('Final', json.dumps(text))}\n")
    assert text in made.files[0].content.decode()
    assert [f"{each.code}:{each.span and each.span.start}" for each in made.warnings] == (
        [f"names-old-term:{NEW}:{WHOLE.count(chr(10)) + 1}:46"] if found else []
    )


@pytest.mark.parametrize(
    ("date", "code"),
    [
        ("2031-10-12T02:30", "local-time-skipped"),
        ("2031-12-20T09:00", "outside-term"),
        ("2031-11-26T09:00", "outside-term"),
    ],
)
def test_dates_that_need_a_look_are_told(tmp_path: Path, date: str, code: str) -> None:
    """A time that the clocks skip, and a day after the new term's last one or in a week that it skips."""
    terms = "  c: {starts: 2032-01-26, ends: 2032-05-07, skip: [{from: 2032-04-26, to: 2032-05-02}]}\n"
    text = configured(f"      examOpenDate: {date}\n")
    put(tmp_path, OLD, text)
    made = workspace(tmp_path, more=terms).rollover("2031fa", "c")
    (found,) = made.warnings
    assert (found.code, found.span and found.span.start.line) == (code, made.files[0].shifts[0].at.line)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{WHOLE.replace('2031fa', '2032sp')}  {EXAM}\n", ["other-term:2"]),
        (f"{WHOLE.replace('term: 2031fa', '# x')}  {EXAM}\n", ["other-term:13"]),
        (
            f"{WHOLE.replace(COURSES, f'courses: {{cs101: {CU}, 2031fa-cs101: {CU}}}{chr(10)}')}  {EXAM}\n",
            ["duplicate-key:5"],
        ),
        (
            f"{WHOLE}  {EXAM.replace('title', 'name')}\n",
            ["no-password:13", "no-window:13", "unknown-field:13"],
        ),
        (f"{WHOLE}  {EXAM}\n    x", ["syntax:13"]),
        ("", ["empty-document:1"]),
    ],
)
def test_what_cannot_be_rolled_over_is_named(tmp_path: Path, text: str, found: list[str]) -> None:
    """Each at its place; nothing is made of the other files either."""
    put(tmp_path, "exams/2031fa/right.yaml", f"{WHOLE}  {EXAM.replace('final', 'right')}\n")
    assert complaints(tmp_path, text) == found


PARTS = (
    "&a ",
    "*a",
    "*e",
    "<<: *e",
    " ",
    "\n",
    "\r",
    "#",
    "'",
    '"',
    "{",
    "}",
    "[",
    ",",
    ":",
    "- ",
    "? ",
    "|",
    "null",
)


@given(st.integers(0, 2**32))
def test_no_text_makes_an_exception_that_is_not_ours(seed: int) -> None:
    """Slips in a manifest with anchors, blocks and all styles are told, or do no harm."""
    random = Random(seed)  # noqa: S311 - as above
    text = f"""{WHOLE}  a: &e
    course: cs101
    title: >-
      Fall 2031
    url: |
      https://lms.example.edu
    configuration: {{examOpenDate: &a 2031-10-06T09:00, scheduleOpenDate: *a, duration: 9}}
  b: {{<<: *e, title: B}}
imports:
- exam: a
  sid: {SID}
"""
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(text))
        text = text[:at] + random.choice(PARTS) + text[at + random.choice((0, 0, 1, 5)) :]
    with TemporaryDirectory() as folder, suppress(ManifestInvalid):
        rolled(Path(folder), text)
