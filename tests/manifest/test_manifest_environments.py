"""Environments of a workspace file: which is chosen, and what is said when none can be."""

import json
from pathlib import Path

import pytest
from manifest_tree import AI, CU, US, WHOLE, write

from reconciler.cli import main
from reconciler.manifest.workspace_file import load_workspace
from reconciler.model.diagnostics import Severity
from reconciler.workspace import Workspace

WORKSPACE = f"""\
version: 1
manifests: [courses]
environments:
  staging:
    state: file:state/staging.json
    installSid: {AI}
    timezone: America/New_York
    courses: {{cs: {CU}}}
    users: {{jdoe: {US}}}
  production:
    state: file:state/production.json
    installSid: AI{"0" * 32}
    timezone: Europe/Paris
    courses: {{cs: CU{"0" * 32}}}
    users: {{jdoe: US{"0" * 32}}}
rules: {{no-window: off, incomplete-window: off}}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace whose exam needs its environment for all that an environment can say."""
    write(tmp_path, "reconciler.yaml", WORKSPACE)
    exam = {key: value for key, value in WHOLE.items() if key != "courseSid"}
    more = {"course": "cs", "contactUser": "jdoe", "configuration": {"examOpenDate": "2031-10-12T09:00"}}
    write(tmp_path, "courses/a.yaml", {"exams": {"a": exam | more}})
    return tmp_path


def test_the_same_declarations_serve_both(root: Path) -> None:
    """Install, course, user and zone are those of the environment that was chosen."""
    found = {}
    for name in ("staging", "production"):
        loaded = Workspace.open(root=root, environment=name).validate()
        assert loaded.diagnostics == ()
        found[name] = loaded.declared.exams[0]
    staging, production = found["staging"], found["production"]
    assert (staging.install_sid, staging.course_sid, staging.timezone) == (AI, CU, "America/New_York")
    assert (production.install_sid, production.timezone) == (f"AI{'0' * 32}", "Europe/Paris")
    assert staging.payload["contactUserSid"] == US
    assert production.payload["contactUserSid"] == f"US{'0' * 32}"
    assert staging.payload["configuration"] == {"examOpenDate": "2031-10-12T13:00:00.000Z"}
    assert production.payload["configuration"] == {"examOpenDate": "2031-10-12T07:00:00.000Z"}


@pytest.mark.parametrize(
    ("name", "code", "hint"),
    [
        ("stagin", "unknown-environment", "did you mean 'staging'? There are: 'staging', 'production'."),
        ("x", "unknown-environment", "There are: 'staging', 'production'."),
    ],
)
def test_no_environment_is_one_mistake(root: Path, name: str, code: str, hint: str) -> None:
    """Where it is not known which environment is meant, what only it could say is not missed as well."""
    (only,) = Workspace.open(root=root, environment=name).validate().diagnostics
    assert (only.code, only.hint) == (code, hint)
    assert str(only.span and only.span.start) == "reconciler.yaml:3:1"


def test_without_a_choice_every_environment_is_looked_at(root: Path) -> None:
    """What is wrong in all is told once, and what is wrong in some with their names."""
    assert Workspace.open(root=root).validate().diagnostics == ()
    write(root, "courses/b.yaml", "version: 1\nexmas: {}\n")
    text = (root / "reconciler.yaml").read_text()
    (root / "reconciler.yaml").write_text(text.replace("    timezone: Europe/Paris\n", ""))
    found = [(each.code, each.message) for each in Workspace.open(root=root).validate().diagnostics]
    assert [code for code, _ in found] == ["no-timezone", "unknown-field"]
    assert found[0][1].endswith(" (in production)")
    assert "(in " not in found[1][1]


def test_an_environment_may_have_manifests_of_its_own(root: Path) -> None:
    """They replace those of the top level, for that environment only; a path argument replaces both."""
    of_staging = f"manifests: [courses, settled/staging.yaml]\n    installSid: {AI}"
    write(root, "reconciler.yaml", WORKSPACE.replace(f"installSid: {AI}", of_staging))
    write(root, "settled/staging.yaml", {"imports": [{"exam": "a", "sid": f"EX{1:032x}"}]})

    def imports(name: str, *paths: str) -> int:
        return len(Workspace.open(root=root, environment=name, paths=paths).validate().declared.imports)

    assert (imports("staging"), imports("production")) == (1, 0)
    assert (imports("staging", "courses"), imports("production", "courses", "settled")) == (0, 1)
    whole = Workspace.open(root=root).validate()
    assert (whole.diagnostics, len(whole.declared.imports), len(whole.declared.exams)) == ((), 1, 1)


@pytest.mark.parametrize(
    ("manifests", "code", "place"),
    [
        ("[]", "wrong-value", "9:5"),
        ("settled", "wrong-type", "9:16"),
        ("[../x]", "outside-workspace", "9:17"),
        ("[courses, /x]", "outside-workspace", "9:26"),
        ("[courses, settled/staging.yaml]", "unreadable-file", "9:26"),
        ("[courses, 'settled/*.yaml']", "no-manifest", "9:26"),
    ],
)
@pytest.mark.parametrize("chosen", ["staging", None])
def test_mistakes_in_the_manifests_of_an_environment(
    root: Path, manifests: str, code: str, place: str, chosen: str | None
) -> None:
    """Each has its place in the workspace file; a file that is not there is missed where it is named."""
    text = WORKSPACE.replace(
        f"courses: {{cs: {CU}}}\n", f"courses: {{cs: {CU}}}\n    manifests: {manifests}\n"
    )
    write(root, "reconciler.yaml", text)
    (found,) = Workspace.open(root=root, environment=chosen).validate().diagnostics
    assert (found.code, str(found.span and found.span.start)) == (code, f"reconciler.yaml:{place}")
    is_found_when_read = code in {"unreadable-file", "no-manifest"}
    assert found.message.endswith(" (in staging)") == (chosen is None and is_found_when_read)


@pytest.mark.parametrize("option", [(), ("--format", "json"), ("--format", "sarif"), ("--format", "github")])
def test_a_finding_of_all_that_read_its_file_names_no_environment(
    root: Path, option: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is told once: of a file that both read, and of one that only staging reads."""
    text = WORKSPACE.replace("  staging:\n", "  staging:\n    manifests: [courses, trial]\n")
    write(root, "reconciler.yaml", text)
    write(root, "courses/b.yaml", "version: 1\nexmas: {}\n")
    write(root, "trial/c.yaml", "version: 1\nextra: {}\n")
    assert main(["--chdir", str(root), "validate", *option]) == 1
    printed = capsys.readouterr().out
    for word in ("'exmas' is not", "'extra' is not"):
        assert printed.replace("%27", "'").count(word) in {1, 2 if "sarif" in option else 1}
    assert "(in " not in printed


def test_what_one_environment_lacks_is_one_finding(root: Path) -> None:
    """A course that thirty exams name, a time zone, or an install: told at the first place that needs it."""
    exam = {key: value for key, value in WHOLE.items() if key != "courseSid"}
    for number in range(30):
        opens = {"examOpenDate": f"2031-10-{number + 1:02}T09:00", "duration": 30 + number}
        more = {"course": "new", "title": f"Quiz {number}", "configuration": opens}
        write(root, f"courses/more-{number:02}.yaml", {"exams": {f"more-{number}": exam | more}})
    text = WORKSPACE.replace(f"courses: {{cs: {CU}}}", f"courses: {{cs: {CU}, new: CU{'2' * 32}}}")
    write(root, "reconciler.yaml", text)
    (found,) = Workspace.open(root=root).validate().diagnostics
    assert (found.code, str(found.span and found.span.start)[:20]) == (
        "unknown-alias",
        "courses/more-00.yaml",
    )
    assert found.message == "no course is called 'new' (in production; also at 29 more places)"
    lacking = text.replace("    timezone: Europe/Paris\n", "").replace(f"{{cs: CU{'0' * 32}}}", "{}")
    write(root, "reconciler.yaml", lacking.replace(f"    installSid: AI{'0' * 32}\n", ""))
    codes = [each.code for each in Workspace.open(root=root).validate().diagnostics]
    assert sorted(codes) == ["no-install-sid", "no-timezone", "unknown-alias", "unknown-alias"]


def test_an_ignore_that_one_environment_needs_is_used(root: Path) -> None:
    """Only in New York is nine after the close: the finding is staging's, and the comment of use in both."""
    exam = {key: value for key, value in WHOLE.items() if key not in {"courseSid", "configuration"}}
    text = (
        "version: 1\nexams:\n  c:\n    course: cs\n    configuration:\n      examOpenDate: 2031-10-12T09:00\n"
    )
    text += "      examCloseDate: 2031-10-12T08:00Z\n"
    text += "".join(f"    {key}: {json.dumps(value)}\n" for key, value in (exam | {"title": "C"}).items())
    write(root, "courses/c.yaml", text)
    (found,) = Workspace.open(root=root).validate().diagnostics
    assert (found.code, found.message.endswith(" (in staging)")) == ("window-order", True)
    write(root, "courses/c.yaml", text.replace("08:00Z", "08:00Z # reconciler: ignore[window-order] a trial"))
    assert Workspace.open(root=root).validate().diagnostics == ()


@pytest.mark.parametrize(
    "settled", ["", "distinct: [{exam: a, from: b}]", f"imports: [{{exam: b, sid: EX{1:032x}}}]"]
)
def test_two_names_may_be_one_course_in_one_environment(root: Path, settled: str) -> None:
    """Exams that only one environment would refuse are refused already where no environment is chosen."""
    aliases = {"staging": CU, "production": f"CU{'0' * 32}"}
    text = (root / "reconciler.yaml").read_text()
    for name, sid in aliases.items():
        other = sid if name == "production" else f"CU{'9' * 32}"
        text = text.replace(f"{{cs: {sid}}}", f"{{cs: {sid}, cs-2: {other}}}")
    (root / "reconciler.yaml").write_text(text)
    exam = {key: value for key, value in WHOLE.items() if key != "courseSid"}
    write(root, "courses/b.yaml", {"timezone": "UTC", "exams": {"b": exam | {"course": "cs-2"}}})
    (root / "courses/settled.yaml").write_text(f"version: 1\n{settled}\n")
    assert Workspace.open(root=root, environment="staging").validate().diagnostics == ()
    found = Workspace.open(root=root).validate().diagnostics
    assert [each.code for each in found] == ([] if settled else ["same-exam", "same-exam"])
    assert all(each.message.endswith(" (in production)") for each in found)


@pytest.mark.parametrize(
    ("states", "place"),
    [
        (("state: file:a.json", "state: file:a.json"), "reconciler.yaml:4:16"),
        (("", ""), "reconciler.yaml:4:3"),
        (("state: file:a.json", ""), None),
        (("state: file:a.json", "state: file:b.json"), None),
    ],
)
def test_environments_that_would_share_a_state(
    tmp_path: Path, states: tuple[str, str], place: str | None
) -> None:
    """Two environments with one state, or both with the default one, are warned of."""
    one, two = states
    write(tmp_path, "reconciler.yaml", f"version: 1\nenvironments:\n  one: {{{one}}}\n  two: {{{two}}}\n")
    found = load_workspace(tmp_path, environment_name="one").diagnostics
    assert [(each.code, each.severity, str(each.span and each.span.start)) for each in found] == (
        [] if place is None else [("shared-state", Severity.WARNING, place)]
    )


def test_hundreds_of_files_are_one_workspace(root: Path) -> None:
    """In a repository of 300 files each mistake is told at its own place."""
    for number in range(300):
        write(
            root,
            f"courses/{number % 20}/{number}.yaml",
            f"version: 1\nexams:\n  e{number}:\n    unheard: x\n",
        )
    found = Workspace.open(root=root, environment="staging").validate().diagnostics
    wrong = sorted(str(each.span and each.span.start) for each in found if each.code == "unknown-field")
    assert wrong == sorted(f"courses/{number % 20}/{number}.yaml:4:5" for number in range(300))


def test_the_workspace_file_is_no_manifest(root: Path) -> None:
    """A directory or glob that holds reconciler.yaml gives the manifests, and not that file."""
    for path in (".", "*.yaml", "**/*.yaml"):
        found = (
            Workspace.open(root=root, environment="staging", paths=("courses", path)).validate().diagnostics
        )
        assert [each.code for each in found] == (["no-manifest"] if path == "*.yaml" else [])


@pytest.mark.parametrize(
    "url",
    [
        "api.example.edu",
        "ftp://x",
        "https://jdoe:hunter2@x",
        "https://[::1",
        "https://x:hunter2",
        "https://x?token=hunter2",
    ],
)
def test_a_service_that_no_plan_could_go_to_is_found(root: Path, url: str) -> None:
    """It is an error at its place, and what may be a password in it is not shown."""
    text = WORKSPACE.replace("    state: file:state/staging.json\n", f"    apiUrl: {url!r}\n")
    write(root, "reconciler.yaml", text)
    diagnostics = Workspace.open(root=root, environment="staging").validate().diagnostics
    (found,) = (one for one in diagnostics if one.code == "bad-api-url")
    assert found.span is not None
    assert str(found.span.start) == "reconciler.yaml:5:13"
    assert "hunter2" not in found.message + found.hint
    assert "jdoe:hunter2" not in f"{diagnostics}"


def test_an_empty_service_is_one_error(root: Path) -> None:
    """The schema asks for a value; what else is wrong with an empty URL is not told as well."""
    write(
        root, "reconciler.yaml", WORKSPACE.replace("    state: file:state/staging.json\n", "    apiUrl: ''\n")
    )
    diagnostics = Workspace.open(root=root, environment="staging").validate().diagnostics
    assert [one.code for one in diagnostics if "apiUrl" in one.message or "URL" in one.message] == [
        "wrong-value"
    ]
