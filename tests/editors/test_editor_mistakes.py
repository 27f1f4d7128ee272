"""An editor marks the lines that `reconciler validate` reports, as far as a schema can know."""

import pytest

from reconciler import schemas
from reconciler.manifest.loader import load
from reconciler.manifest.workspace_file import load_workspace
from reconciler.model.destination import Environment
from reconciler.model.diagnostics import Severity
from reconciler.model.identities import ADDRESS_RULE

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
    configuration: {duration: 90}
"""
"""A right manifest of eleven lines; what a case adds begins on line 12."""

WORKSPACE_HEAD = """\
version: 1
manifests: ["*.yaml"]
environments:
  staging:
    installSid: AI1234567890abcdef1234567890abcdef
"""


def configuration(line):
    """HEAD with another configuration."""
    return HEAD.replace("duration: 90", line)


SEEN = [
    # Keys.
    ("unknown key of an exam", HEAD + "    requireAproval: true\n", 12),
    ("unknown key of the file", HEAD + "exmas: {}\n", 12),
    ("unknown key of the configuration", configuration("duraton: 90"), 11),
    ("unknown key of a default", HEAD.replace("type: Written", "typ: Written, type: Written"), 4),
    ("unknown key of a profile", HEAD + "profiles:\n  p:\n    nope: 1\n", 14),
    ("unknown key of a move", HEAD + "moved: [{from: x, to: a, why: y}]\n", 12),
    ("duplicate key of the file", HEAD + "version: 1\n", 12),
    ("duplicate key of an exam", HEAD + "    title: B\n", 12),
    ("key that is a number", HEAD + "  5: {}\n", 12),
    # Types.
    ("text for a number", configuration('duration: "90"'), 11),
    ("boolean for a number", configuration("duration: true"), 11),
    ("yes for a boolean", HEAD.replace("Suggestions: true", "Suggestions: yes"), 9),
    ("number for a text", HEAD.replace("title: A", "title: 101"), 8),
    ("text for a list", HEAD + "extends: _defaults.yaml\n", 12),
    ("list for a mapping", HEAD + "profiles: [closed-book]\n", 12),
    ("null for a mapping", configuration("modalityOptions: ~"), 11),
    ("number for a password", configuration("password: 12345678"), 11),
    # What is missing, and what is there in the wrong form.
    ("no version", HEAD.replace("version: 1\n", ""), 1),
    ("import without a SID", HEAD + "imports: [{exam: a}]\n", 12),
    ("absence without an attempt", HEAD + "absent: [{exam: b}]\n", 12),
    ("digest of another form", HEAD + "accepted: [{exam: a, digest: sha256:abc}]\n", 12),
    ("other version", HEAD.replace("version: 1", "version: 2"), 1),
    ("value outside a closed choice", HEAD + "    type: online\n", 12),
    ("SID of another kind", HEAD.replace("AI12", "CU12"), 2),
    ("SID of an import", HEAD + "imports: [{exam: a, sid: EX1}]\n", 12),
    ("unknown key of a distinction", HEAD + "distinct: [{exam: a, from: b, why: y}]\n", 12),
    ("distinction from nothing", HEAD + "distinct: [{exam: a}]\n", 12),
    ("glob with brackets", HEAD + "removed: [{exam: 'a/[bc]'}]\n", 12),
    ("address with dots", HEAD + "removed: [{exam: a/../b}]\n", 12),
    ("date without a time", configuration("examOpenDate: 2026-10-12"), 11),
    ("date in another order", configuration("examOpenDate: 12.10.2026 09:00"), 11),
    ("month 13", configuration("examOpenDate: 2026-13-12T09:00Z"), 11),
    ("minute 60", configuration("examOpenDate: 2026-10-12T09:60Z"), 11),
    ("times finer than the API's", configuration("examOpenDate: 2026-10-12T09:00:00.0001Z"), 11),
    ("start of a proctor", configuration("instructorAsProctor: [{startTime: noon}]"), 11),
    ("variable without the prefix", configuration("password: {fromEnv: hunter2}"), 11),
    ("secret file outside", configuration("password: {fromFile: ../x}"), 11),
    # YAML itself.
    ("two colons", HEAD + "timezone: a: b\n", 12),
    ("tag of Python", HEAD + "timezone: !!python/name:os.system\n", 12),
    ("tag of one's own", HEAD + "timezone: !env TZ\n", 12),
    ("anchor that there is not", HEAD + "timezone: *zone\n", 12),
]
"""What a schema can know: a manifest, and the line that both mark."""

OUT_OF_SIGHT = [
    ("date that is not in the calendar", configuration("examOpenDate: 2026-02-30T09:00Z"), "the calendar"),
    ("no time zone", configuration("examOpenDate: 2026-10-12T09:00"), "what else the file says"),
    ("unknown time zone", HEAD + "timezone: Europe/Pariss\n", "the list of zones"),
    ("alias that there is not", HEAD.replace("course: cs", "course: sc"), "what else the file says"),
    ("field that defaults lack too", HEAD.replace("    title: A\n", ""), "what defaults and profiles give"),
    ("profile that there is not", HEAD + "    profiles: [nope]\n", "what else the file says"),
    ("course named twice", HEAD + f"    courseSid: CU{'0' * 32}\n", "which of two was meant"),
    ("contact that is no SID", HEAD + "    contactUserSid: joe\n", "it may be an alias of `users`"),
    ("import of nothing", HEAD + f"imports: [{{exam: b, sid: EX{'0' * 32}}}]\n", "what else the file says"),
    ("moved in a circle", HEAD + "moved: [{from: x, to: y}, {from: y, to: x}]\n", "how items hang together"),
    ("glob to an address", HEAD + "moved: [{from: 'x/*', to: y}]\n", "what belongs together"),
    ("infinite number", configuration("duration: .inf"), "JSON has none, so its schema cannot refuse it"),
]
"""What only `validate` can know, and what of it no schema sees."""

WORKSPACES = [
    ("unknown key", WORKSPACE_HEAD + "maxCreate: 1\n", 6),
    ("unknown key of an environment", WORKSPACE_HEAD + "    apiURL: http://127.0.0.1\n", 6),
    ("SID of another kind", WORKSPACE_HEAD.replace("AI12", "CU12"), 5),
    ("too few creates", WORKSPACE_HEAD + "maxCreates: -1\n", 6),
    ("weight that there is not", WORKSPACE_HEAD + "rules: {window-order: fatal}\n", 6),
    ("no manifests", WORKSPACE_HEAD.replace('"*.yaml"', ""), 2),
    ("no version", WORKSPACE_HEAD.replace("version: 1\n", ""), 1),
]


def marked(server, path, text):
    """The lines that the editor marks, counted from 1."""
    return {mistake["range"]["start"]["line"] + 1 for mistake in server.mistakes(path, text)}


def reported(tmp_path, text):
    """The lines of the errors that `validate` reports for a manifest."""
    found = found_in(tmp_path, text)
    return {each.span.start.line for each in found if each.severity is Severity.ERROR}


def found_in(tmp_path, text):
    """All that `validate` reports for a manifest."""
    (tmp_path / "exams.yaml").write_text(text, encoding="utf-8")
    return load(["exams.yaml"], root=tmp_path, environment=Environment()).diagnostics


def test_the_base_of_all_cases_is_right(server, tmp_path, file_of):
    """Without what a case adds, neither finds anything."""
    assert marked(server, file_of("manifest"), HEAD) == reported(tmp_path, HEAD) == set()
    assert marked(server, file_of("workspace"), WORKSPACE_HEAD) == set()


@pytest.mark.parametrize(("text", "line"), [pytest.param(*case[1:], id=case[0]) for case in SEEN])
def test_both_mark_the_same_line(server, tmp_path, file_of, text, line):
    """A mistake that a schema can know is marked in the line that `validate` reports, and no other is."""
    assert reported(tmp_path, text) == {line}
    assert marked(server, file_of("manifest"), text) == {line}


def test_an_open_quote_is_found_at_its_beginning_by_validate(server, tmp_path, file_of):
    """The editor marks where it gave up, at the end of the file; `validate` names the line of the quote."""
    text = HEAD + "timezone: 'Europe/Paris\n"
    assert reported(tmp_path, text) == {12}
    assert marked(server, file_of("manifest"), text) == {13}


@pytest.mark.parametrize(("text", "why"), [pytest.param(*case[1:], id=case[0]) for case in OUT_OF_SIGHT])
def test_only_validate_sees_the_rest(server, tmp_path, file_of, text, why):
    """What hangs on more than one value is for `validate` alone; the editor does not guess at it."""
    assert found_in(tmp_path, text), why
    assert marked(server, file_of("manifest"), text) == set()


@pytest.mark.parametrize(("text", "line"), [pytest.param(*case[1:], id=case[0]) for case in WORKSPACES])
def test_workspace_files_are_marked_alike(server, tmp_path, file_of, text, line):
    """The same holds for `reconciler.yaml`."""
    (tmp_path / "reconciler.yaml").write_text(text, encoding="utf-8")
    found = load_workspace(tmp_path, environment_name=None).diagnostics
    assert {each.span.start.line for each in found} == {line}
    assert marked(server, file_of("workspace"), text) == {line}


ADDRESS = f"Use {ADDRESS_RULE}"
SID = "It must be {} and 32 hexadecimal digits in lower case."
WORDS = [
    ("installSid: AI1", SID.format("AI")),
    ("courses: { cs: CS1 }", SID.format("CU")),
    ("users: { joe: joe }", SID.format("US")),
    ("imports: [{ exam: a, sid: EX1 }]", SID.format("EX")),
    ("exams: { a//b: {} }", f"{ADDRESS}."),
    ("imports: [{ exam: a b, sid: EX1234567890abcdef1234567890abcdef }]", f"{ADDRESS}."),
    ("removed: [{ exam: 'a/[bc]' }]", f"{ADDRESS}; '*' stands for any characters and '?' for one."),
    ("absent: [{ exam: a, attempt: a_b }]", "It must be letters, digits and '-', at most 64."),
    ("accepted: [{ exam: a, digest: abc }]", "It must be sha256: and 64 hexadecimal digits in lower case."),
    (
        "exams: { a: { configuration: { examOpenDate: 2026-10-12 } } }",
        "Write a date and a time, such as 2026-10-12T09:00, or with an offset: 2026-10-12T09:00:00-04:00.",
    ),
    (
        "exams: { a: { configuration: { examOpenDate: { week: 1, day: Mon, at: 9am } } } }",
        "It must be hours and minutes of 24 hours, such as 09:00.",
    ),
    (
        "exams: { a: { configuration: { password: { fromEnv: hunter2 } } } }",
        "The variable's name must begin with EXAM_SECRET_, then letters, digits and '_'.",
    ),
    (
        "exams: { a: { configuration: { password: { fromFile: ../x } } } }",
        "The file must be below the secrets directory: a relative path with '/' and without '..'.",
    ),
    (
        "exams: { a: { configuration: { password: 12345678 } } }",
        "Write { fromEnv: EXAM_SECRET_NAME } or { fromFile: PATH }; a password written out needs quotes.",
    ),
]
"""A value of the wrong form in a manifest, and all that an editor says of it."""
OF_WORKSPACES = [
    (
        "terms: { t: { starts: 12.1.2032, ends: 2032-05-07 } }",
        "It must be a day as year, month and day, such as 2032-01-12.",
    )
]
EVERY = [*(("manifest", *one) for one in WORDS), *(("workspace", *one) for one in OF_WORKSPACES)]


@pytest.mark.parametrize(("kind", "line", "words"), [pytest.param(*case, id=case[1]) for case in EVERY])
def test_a_wrong_form_is_told_in_words(server, file_of, kind, line, words):
    """People are told what to write; none is shown a pattern."""
    (mistake,) = server.mistakes(file_of(kind), f"version: 1\n{line}\n")
    assert mistake["message"] == words


def test_every_pattern_is_told_in_words():
    """Each pattern of manifests and of the workspace file has its sentence, which is among those above."""
    told = {words for name in ("manifest", "workspace") for words in sentences_in(schemas.load(name))}
    assert told <= {words for _, _, words in EVERY}


def sentences_in(schema):
    """The words for each pattern in `schema`."""
    if isinstance(schema, dict) and isinstance(schema.get("pattern"), str):
        yield schema["patternErrorMessage"]
    for part in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from sentences_in(part)


def test_a_file_that_names_its_schema_is_marked_too(server, desk):
    """The schema that `reconciler schema manifest` prints needs no other file beside it."""
    text = f"# yaml-language-server: $schema=manifest.schema.json\n{HEAD}nope: 1\n"
    assert marked(server, desk / "named.yaml", text) == {13}


def test_yaml_1_2_is_spoken(server, file_of):
    """`on` is text, as to `validate`, so that a title may be the word."""
    path = file_of("manifest")
    assert marked(server, path, HEAD.replace("title: A", "title: on")) == set()
