"""The workspace is a wall: what it names by itself is below its directory; nothing else is read or shown."""

import os
import socket
from glob import glob
from pathlib import Path

import pytest
from exam_workspace import MANIFEST, exam

from reconciler.manifest import paths
from reconciler.model.declarations import Loaded
from reconciler.model.diagnostics import Severity
from reconciler.model.errors import StateError
from reconciler.workspace import Workspace

FOREIGN = "machine api.example.edu login alice password tulipan\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty workspace beside a file that is none of its business."""
    (tmp_path / "secret.yaml").write_text(FOREIGN)
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "a.yaml").write_text(FOREIGN)
    made = tmp_path / "workspace"
    made.mkdir()
    return made


def validated(root: Path, *paths: str) -> Loaded:
    """What `validate` finds."""
    return Workspace.open(root=root, paths=paths).validate()


def refused(root: Path, *paths: str) -> list[str]:
    """The places that are refused for being outside; nothing of any foreign file is said."""
    found = validated(root, *paths).diagnostics
    assert "tulipan" not in repr(found)
    assert "alice" not in repr(found)
    return [
        str(each.span.start) for each in found if each.code == "outside-workspace" and each.span is not None
    ]


@pytest.mark.parametrize("target", ["/proc/self/environ", "../secret.yaml", "/etc/passwd", "../gone.yaml"])
@pytest.mark.parametrize("name", ["exams.yaml", "exams/a.yaml", "exams/deep/er/a.yaml"])
def test_a_link_that_leads_out_is_not_read(root: Path, name: str, target: str) -> None:
    """Wherever the default manifests are, and whether the link dangles or not."""
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.symlink_to(os.path.relpath(root / target, file.parent) if target.startswith(".") else target)
    assert refused(root) == [f"{name}:1:1"]


def test_a_folder_that_leads_out_is_not_entered(root: Path) -> None:
    """Neither by the default glob, nor by one that names it, nor as a whole."""
    (root / "exams").symlink_to("../far")
    assert refused(root) == []
    (root / "reconciler.yaml").write_text("version: 1\nmanifests: [exams]\n")
    assert refused(root) == ["exams:1:1"]
    (root / "reconciler.yaml").write_text("version: 1\nmanifests: ['exams/*.yaml', 'e*/**/*.yaml']\n")
    assert {each.code for each in validated(root).diagnostics} == {"no-manifest"}


@pytest.mark.parametrize(
    "path",
    ["/proc/self/environ", "../secret.yaml", "exams/../../secret.yaml", "/etc/*.conf", "..", "../**/*"],
)
def test_a_path_in_the_workspace_file_does_not_lead_out(root: Path, path: str) -> None:
    """It is refused at its place, and nothing is read."""
    (root / "reconciler.yaml").write_text(f"version: 1\nmanifests:\n- exams.yaml\n- '{path}'\n")
    (root / "exams.yaml").write_text(MANIFEST + exam("a"))
    assert refused(root) == ["reconciler.yaml:4:3"]


@pytest.mark.parametrize("target", ["/proc/self/environ", "../secret.yaml", "/etc/passwd"])
def test_a_workspace_file_that_leads_out_is_not_read(root: Path, target: str) -> None:
    """It is refused as such, and so is every command."""
    (root / "reconciler.yaml").symlink_to(target)
    (root / "exams.yaml").write_text(MANIFEST + exam("a"))
    assert refused(root) == ["reconciler.yaml:1:1"]


def test_a_workspace_file_that_dangles_is_not_taken_for_none(root: Path) -> None:
    """It is one that cannot be read: without it, exams would go elsewhere."""
    (root / "reconciler.yaml").symlink_to("gone.yaml")
    (root / "exams.yaml").write_text(MANIFEST + exam("a"))
    assert [each.code for each in validated(root).diagnostics] == ["unreadable-file"]


def test_links_that_stay_inside_are_followed(root: Path) -> None:
    """Files and folders alike, each file once, and in circles not at all."""
    (root / "shared").mkdir()
    (root / "shared" / "a.yaml").write_text(MANIFEST + exam("a"))
    (root / "real.yaml").write_text(MANIFEST + exam("b"))
    (root / "exams").mkdir()
    (root / "exams" / "b.yaml").symlink_to("../real.yaml")
    (root / "exams" / "shared").symlink_to("../shared")
    for name in "xyz":
        (root / "exams" / name).symlink_to(".")
    loaded = validated(root)
    assert {each.code for each in loaded.diagnostics} == {"overlapping-windows"}
    assert [each.address for each in loaded.declared.exams] == ["cs/a", "cs/b"]


def test_a_path_that_a_person_types_may_go_anywhere(root: Path) -> None:
    """A file by itself or through a link, and what is below a directory; but no link out of that."""
    outside = root.parent / "elsewhere"
    outside.mkdir()
    (outside / "a.yaml").write_text(MANIFEST + exam("a"))
    (root / "link.yaml").symlink_to("../elsewhere/a.yaml")
    for path in (str(outside), str(outside / "a.yaml"), "../elsewhere/*.yaml", "link.yaml"):
        assert validated(root, path).diagnostics == ()
    (outside / "b.yaml").symlink_to("../secret.yaml")
    for path in (str(outside), "../elsewhere/*.yaml", "../elsewhere/**/*"):
        assert refused(root, path) == [f"{outside}/b.yaml:1:1"]
    found = validated(root, str(outside / "b.yaml")).diagnostics
    assert [each.code for each in found] == ["not-a-mapping"]


@pytest.mark.parametrize("kind", ["pipe", "socket", "device"])
@pytest.mark.timeout(20)
def test_what_is_no_file_is_neither_waited_for_nor_read(root: Path, kind: str) -> None:
    """A pipe would be waited for; all are refused without being opened."""
    file = root / "exams.yaml"
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(os.path.relpath(file))
    else:
        file.symlink_to("/dev/zero")
    codes = {each.code for each in (*validated(root).diagnostics, *validated(root, "exams.yaml").diagnostics)}
    assert codes == {"unreadable-file"} | ({"outside-workspace"} if kind == "device" else set())


@pytest.mark.parametrize(
    "data",
    [
        b"PATH=/bin\0TOKEN=tulipan\0",
        b"title: tulipan\nurl: \xe9\n",
        b"title: tulipan \x1b[31m\n",
        "title: tulipan\n".encode("utf-16"),
    ],
)
def test_of_what_is_no_text_no_line_is_shown(root: Path, data: bytes) -> None:
    """Such a file is told by its place, whoever named it."""
    (root / "exams.yaml").write_bytes(data)
    (only,) = validated(root).diagnostics
    assert only.code == "encoding"
    assert only.excerpt is None
    assert "tulipan" not in repr(only)


@pytest.mark.parametrize("name", ["/proc/self/environ", "../secret.yaml", "link.yaml"])
def test_a_manifest_extends_nothing_outside(root: Path, name: str) -> None:
    """As before, and through links as well."""
    (root / "link.yaml").symlink_to("../secret.yaml")
    (root / "exams.yaml").write_text(f"extends: ['{name}']\n{MANIFEST}{exam('a')}")
    assert refused(root) == ["exams.yaml:1:11"]


@pytest.mark.parametrize(
    "text",
    [
        *(FOREIGN, '{"token": "tulipan"', '["tulipan"]', '{"formatVersion": "tulipan"}'),
        '{"auths": {"tulipan.example.edu": {"auth": "tulipan"}}}',
        '{"version": 4, "terraform_version": "tulipan", "lineage": "tulipan", "serial": 1}',
    ],
)
def test_a_state_that_is_none_is_not_quoted(root: Path, text: str) -> None:
    """A pull request may name any file of the machine as its state."""
    (root.parent / "state.json").write_text(text)
    (root / "reconciler.yaml").write_text("version: 1\nenvironments: {a: {state: 'file:../state.json'}}\n")
    (root / "exams.yaml").write_text(MANIFEST + exam("a"))
    with pytest.raises(StateError) as raised:
        Workspace.open(root=root).plan()
    assert "tulipan" not in f"{raised.value} {raised.value.hint}"


def test_folders_and_globs_take_manifests_by_their_names(root: Path) -> None:
    """A note, a table, a base and the workspace file are none; a file that is named is read."""
    for name in (
        "t/a.yaml",
        "t/x/b.yml",
        "t/x/README.md",
        "t/x/_base.yaml",
        "t/exams.csv",
        "t/reconciler.yaml",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("version: 1\n")
    for pattern in ("t", "t/**", "t/**/*", "**", "t/*"):
        assert [file.name for file in paths.find([pattern], root).files] == ["t/a.yaml", "t/x/b.yml"], pattern
    (found,) = paths.find(["t/*.csv"], root).diagnostics
    assert (found.code, "take `.yaml` and `.yml` files" in found.hint) == ("no-manifest", True)
    assert [file.name for file in paths.find(["t/exams.csv"], root).files] == ["t/exams.csv"]


def test_files_of_a_folder_are_found_as_glob_finds_them(root: Path) -> None:
    """Hidden ones only where they are named, and folders below `**` at any depth."""
    for name in ("a.yaml", ".b.yaml", "x/c.yaml", "x/.d/e.yaml", "x/y/f.yml", "x/y/[g].yaml"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("version: 1\n")
    for pattern in (
        "*.yaml",
        "**/*.yaml",
        "x/*/*",
        "**",
        ".*.yaml",
        "x/**",
        "?/y/[[]g].yaml",
        "*/",
        "x/.d/*",
    ):
        matched = glob(pattern, root_dir=root, recursive=True)  # noqa: PTH207 - it is what is compared with
        expected = {path for path in matched if (root / path).is_file()}
        found = {file.name for file in paths.find([pattern], root).files}
        assert expected <= found, pattern
    assert Severity.ERROR not in {each.severity for each in validated(root, "a.yaml").diagnostics}
