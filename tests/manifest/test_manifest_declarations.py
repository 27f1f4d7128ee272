"""What right manifests declare, and what a workspace file adds."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler import schemas
from reconciler.manifest.exam.dates import DATE_FIELDS, BadDateTime, normalized
from reconciler.manifest.loader import RuleSettings, load
from reconciler.manifest.schema.validation import check_of
from reconciler.manifest.workspace_file import load_workspace
from reconciler.model.destination import Environment
from reconciler.model.diagnostics import Severity
from reconciler.model.identities import CourseSid, InstallSid, is_address
from reconciler.model.payloads import digest_of
from reconciler.model.secrets import EnvSecret, SecretUse
from reconciler.zones import zone_of

AI = "AI1234567890abcdef1234567890abcdef"
CU = "CU1234567890abcdef1234567890abcdef"
EX = "EX1234567890abcdef1234567890abcdef"
MANIFEST = f"""\
version: 1
installSid: {AI}
timezone: America/New_York
courses: {{cs: {CU}}}
defaults:
  type: Online
  useProctorManager: true
  course: cs
  configuration:
    {{attempts: 1.0, proctorTypes: [a, b], modalityOptions: {{x: {{y: 1}}}}, password: {{fromFile: a}}}}
exams:
  cs/one:
    title: One
    url: https://lms.example.edu/1
    requireApproval: false
    enableAppointmentSuggestions: true
    examDeliverySystemModule: canvas
    description: ~
    configuration:
      examOpenDate: 2026-10-12T09:00
      examCloseDate: 2026-10-12T17:00
      proctorTypes: [c]
      modalityOptions: {{x: {{z: 2}}}}
      instructorAsProctor: [{{startTime: 2026-10-12 09:00:00.5, endTime: later}}]
      password: {{fromEnv: EXAM_SECRET_ONE}}
"""


def write(root: Path, name: str, text: str) -> None:
    """Put `text` into a file below `root`."""
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


def test_an_exam_is_declared_whole(tmp_path: Path) -> None:
    """Defaults are merged deeply, lists replaced, aliases resolved, times and secrets in their sent form."""
    write(tmp_path, "exams.yaml", MANIFEST)
    loaded = load([], root=tmp_path, environment=Environment())
    assert loaded.diagnostics == ()
    (exam,) = loaded.declared.exams
    assert exam.payload == {
        "type": "Online",
        "useProctorManager": True,
        "title": "One",
        "url": "https://lms.example.edu/1",
        "requireApproval": False,
        "enableAppointmentSuggestions": True,
        "examDeliverySystemModule": "canvas",
        "description": None,
        "configuration": {
            "attempts": 1,
            "proctorTypes": ["c"],
            "modalityOptions": {"x": {"y": 1, "z": 2}},
            "examOpenDate": "2026-10-12T13:00:00.000Z",
            "examCloseDate": "2026-10-12T21:00:00.000Z",
            "instructorAsProctor": [{"startTime": "2026-10-12T13:00:00.500Z", "endTime": "later"}],
            "password": {"fromEnv": "EXAM_SECRET_ONE"},
        },
    }
    assert exam.secrets == (SecretUse(("configuration", "password"), EnvSecret("EXAM_SECRET_ONE")),)
    assert exam.digest == digest_of(exam.payload)
    assert (exam.install_sid, exam.course_sid, exam.course, exam.timezone) == (
        AI,
        CU,
        "cs",
        "America/New_York",
    )
    assert str(exam.declared_at) == "exams.yaml:12:3"


def test_the_environment_wins(tmp_path: Path) -> None:
    """Install, course, zone and users of the environment replace those of the manifest."""
    other_install, other_course, user = f"AI{'0' * 32}", f"CU{'0' * 32}", f"US{'0' * 32}"
    write(tmp_path, "exams.yaml", MANIFEST + "    contactUserSid: jdoe\n")
    environment = Environment(
        install_sid=InstallSid(other_install),
        timezone="UTC",
        courses={"cs": CourseSid(other_course)},
        users={"jdoe": user},
    )
    (exam,) = load([], root=tmp_path, environment=environment).declared.exams
    assert (exam.install_sid, exam.course_sid, exam.timezone) == (other_install, other_course, "UTC")
    assert exam.payload["contactUserSid"] == user


def test_a_course_sid_replaces_the_alias_of_the_defaults(tmp_path: Path) -> None:
    """Naming the course in the exam leaves no second name from the defaults."""
    write(tmp_path, "exams.yaml", MANIFEST + f"    courseSid: CU{'1' * 32}\n")
    (exam,) = load([], root=tmp_path, environment=Environment()).declared.exams
    assert (exam.course_sid, exam.course) == (f"CU{'1' * 32}", None)


def test_lifecycle_blocks_are_declared(tmp_path: Path) -> None:
    """Each block becomes its values, with places; a chain of moves is kept as it is."""
    blocks = (
        f"imports: [{{exam: cs/one, sid: {EX}}}]\nmoved: [{{from: b, to: c}}, {{from: a, to: b}}]\n"
        "removed: [{exam: c}, {exam: old}]\nabsent: [{exam: q, attempt: abc-1}]\n"
    )
    write(tmp_path, "exams.yaml", MANIFEST + blocks)
    loaded = load([], root=tmp_path, environment=Environment())
    assert loaded.diagnostics == ()
    declared = loaded.declared
    assert [(each.address, each.sid) for each in declared.imports] == [("cs/one", EX)]
    assert [(each.source, each.address) for each in declared.moves] == [("a", "b"), ("b", "c")]
    assert [each.address for each in declared.removals] == ["c", "old"]
    assert [(each.address, each.attempt) for each in declared.absences] == [("q", "abc-1")]
    assert declared.imports[0].declared_at.line == MANIFEST.count("\n") + 1


def test_lifecycle_blocks_that_contradict(tmp_path: Path) -> None:
    """One SID for two addresses and two exams moved to one address are refused."""
    blocks = (
        f"imports: [{{exam: cs/one, sid: {EX}}}, {{exam: cs/on, sid: {EX}}}]\n"
        "moved: [{from: b, to: c}, {from: a, to: c}]\n"
    )
    write(tmp_path, "exams.yaml", MANIFEST + blocks)
    codes = [each.code for each in load([], root=tmp_path, environment=Environment()).diagnostics]
    assert sorted(codes) == ["duplicate-address", "duplicate-sid", *["points-nowhere"] * 3]


def test_files_are_found_in_every_form(tmp_path: Path) -> None:
    """Files, directories, globs and absolute paths name manifests, each read once and shown alike."""
    write(tmp_path, "exams/x/one.yaml", MANIFEST)
    two = MANIFEST.replace("cs/one", "cs/two").replace("One", "Two").replace("edu/1", "edu/2")
    two = two.replace("2026-10-12", "2026-10-13").replace("SECRET_ONE", "SECRET_TWO")
    write(tmp_path, "exams/two.yml", two)
    paths = ["exams", "exams/**/*.yaml", str(tmp_path / "exams/two.yml"), "exams/x/one.yaml"]
    loaded = load(paths, root=tmp_path, environment=Environment())
    assert loaded.diagnostics == ()
    assert [str(exam.declared_at) for exam in loaded.declared.exams] == [
        "exams/x/one.yaml:12:3",
        "exams/two.yml:12:3",
    ]
    by_default = load([], root=tmp_path, environment=Environment())
    assert [each.code for each in by_default.diagnostics] == ["yml-manifest"]
    assert by_default.declared == loaded.declared


def test_rules_are_weighed(tmp_path: Path) -> None:
    """A warning can be made an error or turned off; an error that is no rule stays one."""
    write(tmp_path, "exams.yaml", MANIFEST.replace("{fromEnv: EXAM_SECRET_ONE}", "abc") + "x: 1\n")
    rules = {"inline-secret": Severity.ERROR, "unknown-field": None}
    found = load(
        [], root=tmp_path, environment=Environment(), rules=RuleSettings(severities=rules)
    ).diagnostics
    assert [(each.code, each.severity) for each in found] == [
        ("inline-secret", Severity.ERROR),
        ("unknown-field", Severity.ERROR),
    ]
    off = RuleSettings(severities={"inline-secret": None})
    left = load([], root=tmp_path, environment=Environment(), rules=off).diagnostics
    assert [each.code for each in left] == ["unknown-field"]


@pytest.mark.parametrize(
    "text",
    ["2026-10-12T09:00-04:00", "2026-10-12t13:00z", "2026-10-12 09:00:00", "2026-10-12T18:30:00.000+05:30"],
)
def test_equal_instants_are_equal(text: str) -> None:
    """However an instant is written, it is sent in one spelling."""
    assert normalized(text, zone_of("America/New_York")) == "2026-10-12T13:00:00.000Z"


@pytest.mark.parametrize(
    ("text", "code", "readings"),
    [
        (
            "2026-03-08T02:30",
            "local-time-skipped",
            ("2026-03-08T01:30:00-05:00", "2026-03-08T03:30:00-04:00"),
        ),
        (
            "2026-11-01T01:30",
            "local-time-repeated",
            ("2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00"),
        ),
    ],
)
def test_clock_changes_are_refused(text: str, code: str, readings: tuple[str, str]) -> None:
    """A local time that does not exist, or exists twice, names both readings."""
    with pytest.raises(BadDateTime) as refused:
        normalized(text, zone_of("America/New_York"))
    assert refused.value.code == code
    assert all(reading in refused.value.hint for reading in readings)


@pytest.mark.parametrize(
    "text", ["2026-10-12T09:00:00.1234Z", "2026-10-12T09:00+24:00", "2026-10-12T09:00+01:60", "x"]
)
def test_date_times_that_cannot_be_sent(text: str) -> None:
    """Finer times than the service takes and offsets that do not exist are refused."""
    with pytest.raises(BadDateTime):
        normalized(text, None)


WORKSPACE = f"""\
version: 1
manifests: ["exams/**/*.yaml"]
environments:
  staging: {{apiUrl: "http://127.0.0.1:8400", state: "file:s.json", installSid: {AI}, courses: {{cs: {CU}}}}}
  production: {{timezone: Europe/Paris, users: {{j: US{"0" * 32}}}}}
maxCreates: 7
rules: {{inline-secret: error, no-password: off, practice-title: off}}
"""


def test_a_workspace_is_read(tmp_path: Path) -> None:
    """Every value of the file and of the chosen environment arrives."""
    write(tmp_path, "reconciler.yaml", WORKSPACE)
    workspace = load_workspace(tmp_path, environment_name="staging")
    assert workspace.diagnostics == ()
    assert {path: str(at.start) for path, at in workspace.manifests.items()} == {
        "exams/**/*.yaml": "reconciler.yaml:2:13"
    }
    assert workspace.max_creates == 7
    assert workspace.rules["inline-secret"] is Severity.ERROR
    assert workspace.rules["no-password"] is None
    assert replace(workspace.environment, places={}) == Environment(
        name="staging",
        names=("staging", "production"),
        api_url="http://127.0.0.1:8400",
        state_url="file:s.json",
        install_sid=InstallSid(AI),
        courses={"cs": CourseSid(CU)},
    )


def test_no_workspace_is_a_workspace(tmp_path: Path) -> None:
    """Without the file nothing is said, unless an environment is asked for."""
    assert load_workspace(tmp_path, environment_name=None).diagnostics == ()
    (only,) = load_workspace(tmp_path, environment_name="x").diagnostics
    assert only.code == "unknown-environment"


@pytest.mark.parametrize(
    ("text", "name", "code", "place"),
    [
        (WORKSPACE, "stagin", "unknown-environment", "3:1"),
        (WORKSPACE, None, "no-environment", "3:1"),
        ("version: 1\n", "x", "unknown-environment", "1:1"),
        ("version: 1\nmaxCreate: 1\n", None, "unknown-field", "2:1"),
        ("version: 1\nmaxCreates: -1\n", None, "wrong-value", "2:13"),
        ("version: 1\nrules: {inline-secrets: off}\n", None, "unknown-rule", "2:9"),
        ("version: 1\nrules: {acme/any: off}\n", None, "unknown-rule", "2:9"),
        ("version: 1\nrules: {inline-secret: no}\n", None, "not-allowed-value", "2:24"),
        ("version: 1\nenvironments: {a: {timezone: Mars}}\n", None, "unknown-timezone", "2:30"),
        ("version: [\n", None, "syntax", "1:10"),
    ],
)
def test_mistakes_in_a_workspace(tmp_path: Path, text: str, name: str | None, code: str, place: str) -> None:
    """A mistake in the workspace file has a place there."""
    write(tmp_path, "reconciler.yaml", text)
    found = load_workspace(tmp_path, environment_name=name).diagnostics
    assert (code, f"reconciler.yaml:{place}") in [
        (each.code, str(each.span.start)) for each in found if each.span
    ]


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ("{inline-secrets: errors}", ["'inline-secrets' is not a rule whose severity can be set"]),
        ("{no-pasword: of}", ["'no-pasword' is not a rule whose severity can be set"]),
        (
            "{inline-secret: errors}",
            ["'errors' is not allowed for 'inline-secret'; allowed: error, warning, off"],
        ),
        ("{no-password: of}", ["'of' is not allowed for 'no-password'; allowed: error, warning, off"]),
    ],
)
def test_a_severity_is_no_secret(tmp_path: Path, rules: str, told: list[str]) -> None:
    """A rule's code that speaks of a secret hides nothing, and a wrong one makes one message."""
    write(tmp_path, "reconciler.yaml", f"version: 1\nrules: {rules}\n")
    found = load_workspace(tmp_path, environment_name=None).diagnostics
    assert [each.message for each in found] == told


def test_the_only_environment_is_chosen(tmp_path: Path) -> None:
    """A single environment needs no name; a workspace that is a directory is reported."""
    write(tmp_path, "reconciler.yaml", "version: 1\nenvironments: {only: {}}\n")
    assert load_workspace(tmp_path, environment_name=None).environment.name == "only"
    (tmp_path / "sub" / "reconciler.yaml").mkdir(parents=True)
    (found,) = load_workspace(tmp_path / "sub", environment_name=None).diagnostics
    assert found.code == "unreadable-file"


def test_the_manifest_schema_knows_every_field_of_the_body() -> None:
    """An exam has exactly the documented fields, and those that stand for or steer others."""
    body, manifest = schemas.load("create-exam"), schemas.load("manifest")["definitions"]
    own = {
        "course",
        "courseSid",
        "contactUser",
        "profiles",
        "environments",
        "assignees",
        "sections",
        "timezone",
    }
    assert set(manifest["exam"]["properties"]) - own == set(body["properties"])
    inner = body["properties"]["configuration"]["properties"]
    assert set(manifest["configuration"]["properties"]) == set(inner)
    assert set(manifest["proctor"]["properties"]) == set(inner["instructorAsProctor"]["items"]["properties"])


def test_the_manifest_schema_asks_of_a_field_what_the_body_does() -> None:
    """Only what is resolved may be written otherwise, so a right exam has a right body."""
    resolved = {"password", "contactUserSid", *DATE_FIELDS, "startTime", "sections"}
    body, manifest = schemas.load("create-exam"), schemas.load("manifest")
    exam = _plain(manifest["definitions"]["exam"], manifest, resolved)
    for name, part in _plain(body, body, resolved)["properties"].items():
        assert exam["properties"][name] == part


def _plain(schema: Any, root: Any, left_out: set[str]) -> Any:
    """`schema` without annotations and references, and without the properties to be `left_out`."""
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _plain(root["definitions"][schema["$ref"].rpartition("/")[2]], root, left_out)
    annotations = {"title", "description", "markdownDescription", "examples", "default", "definitions"}
    annotations |= {"defaultSnippets", "patternErrorMessage", "errorMessage", "$schema"}
    return {
        key: {name: _plain(each, root, left_out) for name, each in part.items() if name not in left_out}
        if key == "properties"
        else _plain(part, root, left_out)
        for key, part in schema.items()
        if key not in annotations
    }


@pytest.mark.parametrize("name", ["create-exam", "manifest", "workspace"])
def test_schemas_are_right_draft_7(name: str) -> None:
    """The schemas satisfy the meta-schema."""
    check = check_of(name)
    check.validator.check_schema(check.validator.schema)


@pytest.mark.parametrize(
    "text", ["a", "a/b.c", "a//b", "a/../b", "./a", "a/.", "a.", "..", "a\n", "é", "a" * 129]
)
def test_addresses_are_the_same_to_schema_and_model(text: str) -> None:
    """The schema's pattern for addresses decides as the model does."""
    assert (not check_of("manifest", "address").errors(text)) is is_address(text)
