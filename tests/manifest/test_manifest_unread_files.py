"""Files with other names, or in other places, than those that are asked for: read, or named, never lost."""

import os
from pathlib import Path

import pytest
from exam_workspace import MANIFEST, exam

from reconciler.manifest import stray_manifests
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.workspace import Workspace


def write(root: Path, *names: str, text: str = "") -> None:
    """Write manifests with one exam each, or `text`."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        address = "".join(each if each.isalnum() else "-" for each in name)
        (root / name).write_text(text or MANIFEST + exam(address))


def found(root: Path, *paths: str, **options: object) -> list[Diagnostic]:
    """What validation finds; that the exams are all at one time is of no interest here."""
    workspace = Workspace.open(root=root, paths=paths, **options)  # type: ignore[arg-type]
    return [each for each in workspace.validate().diagnostics if each.code != "overlapping-windows"]


def told(root: Path, *paths: str) -> list[tuple[str, str]]:
    """Code and place of each finding."""
    return [(each.code, str(each.span.start) if each.span else "") for each in found(root, *paths)]


def hint(root: Path) -> str:
    """The hint of the only finding."""
    (only,) = found(root)
    return only.hint


# Files that end in `.yml`


@pytest.mark.parametrize("manifests", ["", "manifests: ['exams/**/*.yaml']", "manifests: ['exams/*.yaml']"])
def test_a_manifest_that_ends_in_yml_counts_and_is_named(tmp_path: Path, manifests: str) -> None:
    """Alone or beside others, by default and by a pattern; `plan` names it as `validate` does."""
    write(tmp_path, "reconciler.yaml", text=f"version: 1\n{manifests}\n")
    write(tmp_path, "exams/extra.yml")
    assert told(tmp_path) == [("yml-manifest", "exams/extra.yml:1:1")]
    write(tmp_path, "exams/a.yaml")
    assert told(tmp_path) == [("yml-manifest", "exams/extra.yml:1:1")]
    Workspace.open(root=tmp_path).initialise()
    plan = Workspace.open(root=tmp_path).plan().plan
    assert [change.address for change in plan.changes] == ["cs/exams-a-yaml", "cs/exams-extra-yml"]
    assert [warning.code for warning in plan.warnings] == ["yml-manifest", "overlapping-windows"]


def test_one_that_is_named_is_no_surprise(tmp_path: Path) -> None:
    """By a pattern for its ending, whichever comes first, or by its folder."""
    write(tmp_path, "exams/a.yaml", "exams/extra.yml")
    for paths in (["exams/*.yaml", "exams/*.yml"], ["exams/*.yml", "exams/*.yaml"], ["exams"], ["exams/*"]):
        assert told(tmp_path, *paths) == []
        assert len(Workspace.open(root=tmp_path, paths=paths).validate().declared.exams) == 2


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("exams: {}\n", True),
        ('{"version": 1, "exams": {}}\n', True),
        ("version: 1\nremoved: [{exam: cs/a}]\n", True),
        ("# exams:\nversion: 1\n'exams' : [\n", True),
        ("version: 2\nservices: {exams: {}}\n", False),
        ("imports: [a.yml]\n", False),
        ("on: push\njobs:\n  exams: {}\n", False),
        ("\ufeff", False),
        ("\0", False),
    ],
)
def test_only_one_with_the_keys_of_a_manifest_counts(tmp_path: Path, text: str, counts: bool) -> None:  # noqa: FBT001
    """Also one that cannot be parsed; another tool's file beside the manifests is none."""
    write(tmp_path, "exams/a.yaml")
    write(tmp_path, "exams/b.yml", text=text)
    assert any("b.yml" in place for _, place in told(tmp_path)) is counts


def test_one_behind_a_link_out_of_the_workspace_is_not_opened(tmp_path: Path) -> None:
    """Nor is a pipe, at which opening could wait, nor a base file."""
    root = tmp_path / "workspace"
    write(tmp_path, "far.yml")
    write(root, "exams/a.yaml")
    write(root, "exams/_base.yml", text="version: 1\n")
    (root / "exams" / "b.yml").symlink_to("../../far.yml")
    os.mkfifo(root / "exams" / "c.yml")
    assert told(root) == []


# Names that look alike


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("exams.yml", "exams.yml"),
        ("Exams.yaml", "Exams.yaml"),
        ("exam.yaml", "exam.yaml"),
        ("exams.yaml.txt", "exams.yaml.txt"),
        ("exams (1).yaml", "exams (1).yaml"),
        ("Exams/a.yaml", "Exams/"),
        ("exam/a.yaml", "exam/"),
        ("exams/a.YAML", "exams/a.YAML"),
        ("exams/b/a.yaml.txt", ""),
        ("exams.state.json", ""),
        ("exams/readme.md", ""),
        ("lessons.yaml", ""),
    ],
)
def test_where_no_manifest_is_found_look_alikes_are_named(tmp_path: Path, name: str, shown: str) -> None:
    """The question comes before the general hint."""
    write(tmp_path, name, text="version: 1\n")
    question = f"Did you mean '{shown}'? " if shown else ""
    assert hint(tmp_path).startswith(f"{question}Give files, directories or globs")


@pytest.mark.parametrize(
    ("path", "start"),
    [
        ("exams/cs101.yaml", "Did you mean 'exams/CS101.yml'? Check"),
        ("Exams/cs101.yaml", "Did you mean 'exams/'? Check"),
        ("exam/*.yaml", "Did you mean 'exams/'? Give"),
        ("../far/cs101.yaml", ""),
        ("link/cs101.yaml", ""),
    ],
)
def test_a_path_that_names_nothing_is_answered_with_look_alikes(
    tmp_path: Path, path: str, start: str
) -> None:
    """Of files that are missing and of patterns; what leads out of the workspace is refused without."""
    root = tmp_path / "workspace"
    write(root, "exams/CS101.yml", text="version: 1\n")
    write(tmp_path, "far/CS101.yaml")
    (root / "link").symlink_to("../far")
    write(root, "reconciler.yaml", text=f'version: 1\nmanifests: ["{path}"]\n')
    hints = {each.hint for each in found(root) if each.code in {"unreadable-file", "no-manifest"}}
    assert [each[: len(start)] for each in hints] == ([] if path.startswith(("..", "link")) else [start])


def test_names_are_shown_in_print(tmp_path: Path) -> None:
    """A name that would steer a terminal is spelt out, and of many only three are named."""
    for n in range(9):
        write(tmp_path, f"exams.yaml.\x1b[3{n}m", text="x")
    assert hint(tmp_path).startswith(
        r"Did you mean 'exams.yaml.\x1b[30m', 'exams.yaml.\x1b[31m' or 'exams.yaml.\x1b[32m'? Give"
    )


# The workspace file


def test_a_workspace_file_that_ends_in_yml_is_read(tmp_path: Path) -> None:
    """It is the workspace file, and no manifest; mistakes in it are at its name."""
    write(tmp_path, "other/b.yaml")
    write(tmp_path, "reconciler.yml", text="version: 1\nmanifests: [other, '*.yml']\n")
    (only,) = found(tmp_path)
    assert (only.code, str(only.span and only.span.start)) == ("no-manifest", "reconciler.yml:2:20")


def test_two_workspace_files_are_an_error(tmp_path: Path) -> None:
    """Neither is read: nobody can know which one is meant."""
    write(tmp_path, "exams/a.yaml")
    write(tmp_path, "reconciler.yml", "reconciler.yaml", text="version: 3\n")
    assert ("two-workspace-files", "reconciler.yml:1:1") in told(tmp_path)
    assert "not-allowed-value" not in {code for code, _ in told(tmp_path)}


@pytest.mark.parametrize("name", ["Reconciler.yaml", "reconciler.YML", "reconciler.yaml.txt"])
def test_a_workspace_file_with_another_spelling_is_named(tmp_path: Path, name: str) -> None:
    """It is all that is said: what it would define is not missed."""
    write(tmp_path, "exams/a.yaml", text=(MANIFEST + exam("a")).replace("course: cs101", "course: lost"))
    write(tmp_path, name, text="version: 1\nenvironments: {one: {}}\n")
    for environment in (None, "one"):
        (only,) = found(tmp_path, environment=environment)
        assert (only.code, str(only.span and only.span.start)) == ("misnamed-workspace-file", f"{name}:1:1")
        assert only.hint == "Rename it to reconciler.yaml, or move it out of the workspace."
    write(tmp_path, "reconciler.yaml", text="version: 1\nenvironments: {one: {}}\n")
    assert "misnamed-workspace-file" not in {code for code, _ in told(tmp_path)}


# Stray manifests


def test_a_manifest_that_no_path_names_is_a_stray(tmp_path: Path) -> None:
    """In any folder, with either ending; plan does not look for them."""
    write(tmp_path, "exams/a.yaml", "archive/2031/b.yaml")
    assert told(tmp_path) == [("stray-manifest", "archive/2031/b.yaml:1:1")]
    assert found(tmp_path)[0].message.startswith("archive/2031/b.yaml is a manifest, and no path")
    write(tmp_path, "c.yml")
    assert told(tmp_path) == [("stray-manifest", "archive/2031/b.yaml:1:1")]
    assert found(tmp_path)[0].message == (
        "the exams of these 2 manifests are not read, as no path of `manifests` leads there: "
        "archive/2031/b.yaml, c.yml"
    )
    assert told(tmp_path, "exams/a.yaml") == []
    assert {each.severity for each in found(tmp_path)} == {Severity.WARNING}
    assert {each.severity for each in found(tmp_path, is_strict=True)} == {Severity.ERROR}
    Workspace.open(root=tmp_path).initialise()
    assert Workspace.open(root=tmp_path).plan().plan.warnings == ()
    write(tmp_path, "exams.yaml")
    assert "archive/2031/b.yaml, c.yml, exams/a.yaml" in found(tmp_path)[0].message


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("_extra.yaml", "a name that begins with `_` is for files to extend"),
        ("extra.YAML", "only names that end in `.yaml` or `.yml` count"),
        ("extra.yaml.txt", "only names that end in `.yaml` or `.yml` count"),
    ],
)
def test_a_manifest_that_nothing_reads_for_its_name_is_a_stray(
    tmp_path: Path, name: str, reason: str
) -> None:
    """One where manifests are read, too: the reason is its name, which the hint says to change."""
    write(tmp_path, "exams/a.yaml", f"exams/{name}")
    (stray,) = found(tmp_path)
    assert stray.message == f"exams/{name} is a manifest, and {reason}: its exams are not read"
    assert stray.hint == "Rename it, or move it out of the workspace."
    write(tmp_path, f"exams/{name}", text="version: 1\ndefaults: {}\n")
    assert found(tmp_path) == []


def test_what_another_environment_reads_is_no_stray(tmp_path: Path) -> None:
    """Whether one of them is chosen or none; the rule can be turned off."""
    text = "version: 1\nenvironments:\n  one: {manifests: [one]}\n  two: {manifests: ['two/*.yaml']}\n"
    write(tmp_path, "one/a.yaml", "two/b.yaml", "three/c.yaml")
    write(tmp_path, "reconciler.yaml", text=text)
    for environment in (None, "one", "two"):
        strays = [each for each in found(tmp_path, environment=environment) if each.code == "stray-manifest"]
        assert [str(each.span and each.span.start) for each in strays] == ["three/c.yaml:1:1"]
        assert "(in " not in strays[0].message
    write(tmp_path, "reconciler.yaml", text=f"{text}rules: {{stray-manifest: off}}\n")
    assert "stray-manifest" not in {code for code, _ in told(tmp_path)}
    write(tmp_path, "reconciler.yaml", text="version: [\n")
    assert "stray-manifest" not in {code for code, _ in told(tmp_path)}


def test_files_that_are_read_or_belong_elsewhere_are_no_strays(tmp_path: Path) -> None:
    """Bases, what a link leads to, hidden folders, other tools' files, and workspaces within this one."""
    write(tmp_path, "shared/real.yaml")
    write(tmp_path, "base.yaml", "exams/_part.yaml", text="version: 1\ndefaults: {}\n")
    write(tmp_path, "exams/a.yaml", text=f"extends: ['../base.yaml']\n{MANIFEST}{exam('a')}")
    (tmp_path / "exams" / "link.yaml").symlink_to("../shared/real.yaml")
    write(tmp_path, ".venv/x.yaml", ".hidden.yaml", "node_modules/y/x.yaml", "inner/exams/a.yaml")
    write(tmp_path, "inner/reconciler.yml", "compose.yaml", text="version: 2\nservices: {}\n")
    (tmp_path / "loop").symlink_to(".")
    assert told(tmp_path) == []


def test_the_search_for_strays_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tree of any size costs no more than a fixed number of entries, and of files that are opened."""
    write(tmp_path, "exams/a.yaml", *(f"z/{n}.yaml" for n in range(20)))
    monkeypatch.setattr(stray_manifests, "_MOST_OPENED", 5)
    assert "these 5 manifests" in found(tmp_path)[0].message
    monkeypatch.setattr(stray_manifests, "_MOST_ENTRIES", 3)
    assert told(tmp_path) == []
