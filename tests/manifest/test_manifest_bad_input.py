"""Every kind of bad input is answered with a code, a place and a remedy, and with nothing secret."""

from pathlib import Path

import pytest

from reconciler.manifest.loader import load
from reconciler.manifest.source import MAX_SIZE_BYTES
from reconciler.manifest.yaml import parser
from reconciler.model.destination import Environment
from reconciler.model.diagnostics import Diagnostic

HEAD = """\
version: 1
installSid: AI1234567890abcdef1234567890abcdef
courses: {cs: CU1234567890abcdef1234567890abcdef}
defaults: {type: Written, useProctorManager: true, requireApproval: false, url: N/A}
exams:
  a:
    course: cs
    title: A
    enableAppointmentSuggestions: true
    examDeliverySystemModule: canvas
    configuration: {duration: 90, examOpenDate: 2031-10-06T09:00Z, examCloseDate: 2031-10-06T17:00Z}
"""
"""A right manifest of eleven lines; what a case adds begins on line 12."""

SID = "EX1234567890abcdef1234567890abcdef"
BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
MERGE_BOMB = "a0: &a0 {x: [1, 1]}\n" + "".join(
    f"a{n}: &a{n}\n  p: {{<<: *a{n - 1}}}\n  q: {{<<: *a{n - 1}}}\n  r: *a{n - 1}\n" for n in range(1, 14)
)


def config(line: str) -> str:
    """HEAD with another configuration line."""
    return HEAD.replace("duration: 90", line)


CASES: list[tuple[str, str | bytes, str, int, int]] = [
    ("syntax", HEAD + "x: [1\n", "syntax", 12, 1),
    ("nested colon", HEAD + "x: a: b\n", "syntax", 12, 1),
    ("tab", HEAD + "  b:\n\tcourse: cs\n", "syntax", 13, 1),
    ("dash and tab", HEAD + "-\t\n", "syntax", 12, 1),
    ("open quote", HEAD + 'x: "abc\n', "syntax", 12, 1),
    ("duplicate key", HEAD + "version: 1\n", "duplicate-key", 12, 1),
    ("duplicate nested key", config("duration: 1, duration: 2"), "duplicate-key", 11, 34),
    ("two merges", HEAD + "x: {<<: {}, <<: {}}\n", "duplicate-key", 12, 13),
    ("two merges, one in quotes", HEAD + "x: {'<<': 1, <<: {}}\n", "duplicate-key", 12, 14),
    ("python tag", HEAD + "x: !!python/object/apply:os.system ['id']\n", "tag-refused", 12, 4),
    ("string tag", HEAD + "x: !!str 1\n", "tag-refused", 12, 4),
    ("unknown tag handle", HEAD + "x: !e!y 1\n", "tag-refused", 12, 4),
    ("alias to itself", HEAD + "x: &x [*x]\n", "alias-loop", 12, 8),
    ("unknown anchor", HEAD + "x: *nothing\n", "unknown-anchor", 12, 4),
    ("exploding aliases", BOMB, "too-large", 6, 15),
    ("exploding merges", MERGE_BOMB, "too-large", 32, 11),
    ("bad merge", HEAD + "x: {<<: 1}\n", "bad-merge", 12, 9),
    ("brackets", "[" * 20_000, "too-deep", 1, 65),
    ("braces", "{a: " * 20_000, "too-deep", 1, 257),
    ("dashes", "- " * 20_000, "too-deep", 1, 129),
    ("huge integer", config("duration: " + "9" * 5_000), "too-large", 11, 31),
    ("huge hexadecimal", config("duration: 0x" + "f" * 5_000), "too-large", 11, 31),
    ("overflowing float", config("duration: 1e999"), "not-a-number", 11, 31),
    ("nan", config("duration: .nan"), "not-a-number", 11, 31),
    ("infinity", config("duration: -.inf"), "not-a-number", 11, 31),
    ("empty", "", "empty-document", 1, 1),
    ("only a comment", "# nothing\n", "empty-document", 1, 1),
    ("null", "~\n", "not-a-mapping", 1, 1),
    ("list", "- a\n", "not-a-mapping", 1, 1),
    ("scalar", "hello\n", "not-a-mapping", 1, 1),
    ("several documents", HEAD + "---\nversion: 1\n", "several-documents", 12, 1),
    ("address twice, without an exam", HEAD + "  a/b:\n  a/b:\n    title: B\n", "duplicate-key", 13, 3),
    ("integer key", HEAD + "  5: {}\n", "non-string-key", 12, 3),
    ("list key", HEAD + "? [a]\n: b\n", "non-string-key", 12, 3),
    ("address with dots", HEAD + "  a/../b: {}\n", "bad-address", 12, 3),
    ("address with a line end", HEAD + '  "a\\nb": {}\n', "bad-address", 12, 3),
    ("address with a control character", HEAD + '  "a\\x1bb": {}\n', "encoding", 12, 3),
    ("UTF-16", HEAD.encode("utf-16"), "encoding", 1, 1),
    ("Latin-1", b"# \xc3\xa9\n# \xe9\n", "encoding", 2, 3),
    ("NUL", b"# a\nversion: \x00\n", "encoding", 2, 10),
    ("control character", "é: é\nb: \x07\n", "encoding", 2, 4),
    ("lone surrogate", HEAD + 'x: "\\ud800"\n', "syntax", 12, 7),
    ("escaped NUL", HEAD + 'x: "\\0"\n', "encoding", 12, 4),
    ("unknown field", HEAD + "    requireAproval: true\n", "unknown-field", 12, 5),
    ("unknown top-level field", HEAD + "exmas: {}\n", "unknown-field", 12, 1),
    ("wrong type", config('duration: "90"'), "wrong-type", 11, 31),
    ("boolean for a number", config("duration: true"), "wrong-type", 11, 31),
    ("null collection", config("modalityOptions: ~"), "wrong-type", 11, 21),
    ("wrong enum", HEAD + "    type: online\n", "not-allowed-value", 12, 11),
    ("wrong version", HEAD.replace("version: 1", "version: 2"), "not-allowed-value", 1, 10),
    ("wrong SID", HEAD.replace("AI12", "AX12"), "wrong-pattern", 2, 13),
    ("wrong contact", HEAD + "    contactUserSid: joe\n", "wrong-pattern", 12, 21),
    ("two courses", HEAD + "    courseSid: CU1234567890abcdef1234567890abcdef\n", "two-courses", 12, 5),
    ("unknown alias", HEAD.replace("course: cs", "course: sc"), "unknown-alias", 7, 13),
    ("missing field", HEAD.replace("    title: A\n", ""), "missing-field", 6, 3),
    ("missing course", HEAD.replace("    course: cs\n", ""), "no-course", 6, 3),
    (
        "missing install",
        HEAD.replace("installSid: AI1234567890abcdef1234567890abcdef\n", ""),
        "no-install-sid",
        4,
        1,
    ),
    ("date without time", config("examOpenDate: 2026-10-12"), "bad-date-time", 11, 35),
    ("February 30", config("examOpenDate: 2026-02-30T09:00Z"), "bad-date-time", 11, 35),
    ("25 o'clock", config("examOpenDate: 2026-02-20T25:00Z"), "bad-date-time", 11, 35),
    ("year 0", config("examOpenDate: 0000-02-20T20:00Z"), "bad-date-time", 11, 35),
    ("beyond year 9999", config("examOpenDate: 9999-12-31T23:59-10:00"), "bad-date-time", 11, 35),
    ("no time zone", config("examOpenDate: 2026-02-20T09:00"), "no-timezone", 11, 35),
    ("unknown time zone", HEAD + "timezone: America/New_Yrok\n", "unknown-timezone", 12, 11),
    ("time zone outside", HEAD + "timezone: ../../etc/passwd\n", "unknown-timezone", 12, 11),
    ("bad variable", config("password: {fromEnv: hunter2}"), "bad-secret", 11, 21),
    ("list for a variable", config("password: {fromEnv: [TODO]}"), "bad-secret", 11, 21),
    ("bad secret path", config("password: {fromFile: ../x}"), "bad-secret", 11, 21),
    ("number for a password", config("password: 12345678"), "bad-secret", 11, 21),
    ("literal password", config("password: hunter2"), "inline-secret", 11, 21),
    (
        "window",
        config("examOpenDate: 2026-10-12T09:00Z, examCloseDate: 2026-10-11T09:00Z"),
        "window-order",
        11,
        69,
    ),
    ("no password", HEAD + "    type: Online\n", "no-password", 6, 3),
    ("import of nothing", HEAD + f"imports: [{{exam: b, sid: {SID}}}]\n", "points-nowhere", 12, 18),
    ("bad imported SID", HEAD + "imports: [{exam: a, sid: EX1}]\n", "wrong-pattern", 12, 26),
    ("removed and declared", HEAD + "removed: [{exam: a}]\n", "still-declared", 12, 18),
    ("moved and declared", HEAD + "moved: [{from: a, to: b}]\n", "still-declared", 12, 16),
    ("swap", HEAD + "moved: [{from: x, to: y}, {from: y, to: x}]\n", "move-cycle", 12, 16),
    ("removed twice", HEAD + "removed: [{exam: x}, {exam: x}]\n", "duplicate-address", 12, 29),
    ("bad lifecycle address", HEAD + "removed: [{exam: a/../b}]\n", "bad-address", 12, 18),
    ("incomplete lifecycle", HEAD + "absent: [{exam: b}]\n", "missing-field", 12, 10),
]


def found(tmp_path: Path, data: str | bytes) -> tuple[Diagnostic, ...]:
    """What loading one file with `data` says."""
    (tmp_path / "exams.yaml").write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
    return load([], root=tmp_path, environment=Environment()).diagnostics


def test_the_base_of_all_cases_is_right(tmp_path: Path) -> None:
    """Without what a case adds, nothing is reported."""
    assert found(tmp_path, HEAD) == ()


@pytest.mark.parametrize(
    ("data", "code", "line", "column"), [pytest.param(*case[1:], id=case[0]) for case in CASES]
)
def test_bad_input_has_a_code_and_a_place(
    tmp_path: Path, data: str | bytes, code: str, line: int, column: int
) -> None:
    """A mistake is reported under its code, exactly where it stands, with what to do next."""
    diagnostics = found(tmp_path, data)
    places = [
        (each.code, each.span.start.line, each.span.start.column)
        for each in diagnostics
        if each.span is not None
    ]
    assert (code, line, column) in places
    assert all(each.hint and each.message for each in diagnostics)


def test_one_broken_file_does_not_hide_the_others(tmp_path: Path) -> None:
    """A syntax error in one file and a wrong field in another are reported in one run."""
    (tmp_path / "a.yaml").write_text("x: [")
    (tmp_path / "b.yaml").write_text(HEAD + "exmas: 1\n")
    loaded = load(["."], root=tmp_path, environment=Environment())
    assert [each.code for each in loaded.diagnostics] == ["syntax", "unknown-field"]


def test_an_address_declared_in_two_files_names_both(tmp_path: Path) -> None:
    """The second declaration of an address is reported, and the first is named."""
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(HEAD)
    (only,) = load(["*.yaml"], root=tmp_path, environment=Environment()).diagnostics
    assert only.code == "duplicate-address"
    assert only.span is not None
    assert str(only.span.start) == "b.yaml:6:3"
    assert "a.yaml:6:3" in only.message


def test_a_mistake_in_defaults_is_reported_once(tmp_path: Path) -> None:
    """Ten exams that share a wrong default make one finding, at the default."""
    exams = "".join(f"  e{n}: {{course: cs, title: T, description: x}}\n" for n in range(10))
    diagnostics = found(tmp_path, HEAD.replace("type: Written", "type: Writen") + exams)
    wrong = [each for each in diagnostics if each.code == "not-allowed-value"]
    assert [str(each.span.start) for each in wrong if each.span] == ["exams.yaml:4:18"]


def test_a_missing_field_names_the_merged_defaults(tmp_path: Path) -> None:
    """The hint of a missing field lists what the defaults gave."""
    (only,) = found(tmp_path, HEAD.replace("    title: A\n", ""))
    assert only.hint.endswith(
        "merged were the defaults 'type', 'useProctorManager', 'requireApproval', 'url'."
    )


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("nothing.yaml", "unreadable-file"),
        ("no/*.yaml", "no-manifest"),
        (".", "no-manifest"),
        ("\0", "no-manifest"),
    ],
)
def test_paths_that_give_nothing(tmp_path: Path, path: str, code: str) -> None:
    """A path that names no readable manifest is an error of its own."""
    (only,) = load([path], root=tmp_path, environment=Environment()).diagnostics
    assert only.code == code


def test_defaults_that_find_nothing(tmp_path: Path) -> None:
    """Without a path and without a default manifest there is an error, never an empty success."""
    assert [each.code for each in load([], root=tmp_path, environment=Environment()).diagnostics] == [
        "no-manifest"
    ]


def test_findings_without_end_are_cut(tmp_path: Path) -> None:
    """A file that is wrong throughout is answered soon, and says that there is more."""
    fields = "".join(f"    unknown{n}: 1\n    unknown{n}: 1\n" for n in range(3_000))
    diagnostics = found(tmp_path, HEAD + fields)
    assert len(diagnostics) == 1_000
    assert "too-many" in [each.code for each in diagnostics]


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    """Size is bounded before anything is parsed."""
    with (tmp_path / "exams.yaml").open("wb") as file:
        file.truncate(MAX_SIZE_BYTES + 1)
    (only,) = load([], root=tmp_path, environment=Environment()).diagnostics
    assert (only.code, only.message) == ("too-large", "this file is larger than 256 MiB")


@pytest.mark.parametrize("text", ["x: [" + "[], " * 60 + "]\n", "".join(f"k{n}: 1\n" for n in range(60))])
def test_a_file_of_too_many_values_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """Tiny values by the million are bounded by their number: each takes far more memory than text."""
    monkeypatch.setattr(parser, "MAX_WRITTEN", 50)
    (only,) = found(tmp_path, text)
    assert only.code == "too-large"
    assert only.span is not None


def test_defaults_that_multiply_are_refused(tmp_path: Path) -> None:
    """Large defaults under many exams are refused instead of merged."""
    many = ", ".join(["x"] * 3_000)
    text = HEAD.replace("url: N/A", f"url: N/A, configuration: {{proctorTypes: [{many}]}}")
    exams = "".join(f"  e{n}: {{}}\n" for n in range(1_000))
    assert [each.code for each in found(tmp_path, text + exams)] == ["too-large"]
