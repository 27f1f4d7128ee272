"""Files that a command writes or reads beside manifests and state: through no link, and never waited for."""

import json
import os
import threading

import pytest
from exam_workspace import Workspace

TOKEN = "tulipan-token"


@pytest.fixture
def workspace(tmp_path):
    """A workspace with one exam to create, and an empty state, beside a file that is none of its business."""
    root = tmp_path / "workspace"
    root.mkdir()
    (tmp_path / "victim").write_text("")
    made = Workspace(root)
    made.declare("a")
    made.run("init")
    return made


def error_of(workspace, *arguments, variables=None):
    """What a command says that fails."""
    return workspace.refused(*arguments, variables=variables)


@pytest.mark.parametrize("target", ["../victim", "../gone", "/etc/reconciler-gone", "plan.json", "."])
def test_a_plan_is_not_written_through_a_link(workspace, target, tmp_path):
    """Neither onto a file that is there, nor onto one that would be made, inside or outside."""
    (workspace.root / "out.json").symlink_to(target)
    assert "is a link" in error_of(workspace, "plan", "--out", "out.json")
    assert (workspace.root / "out.json").is_symlink()
    assert not (workspace.root / "plan.json").exists()
    assert (tmp_path / "victim").read_text() == ""
    assert not (tmp_path / "gone").exists()


def test_a_plan_is_not_written_below_a_link_that_leads_out(workspace, tmp_path):
    """A folder that was committed as a link; one that stays inside may be used."""
    (workspace.root / "plans").symlink_to(tmp_path)
    assert "leads out" in error_of(workspace, "plan", "--out", "plans/plan.json")
    assert not (tmp_path / "plan.json").exists()
    (workspace.root / "real").mkdir()
    (workspace.root / "inside").symlink_to("real")
    workspace.run("plan", "--out", "inside/plan.json")
    assert json.loads((workspace.root / "real" / "plan.json").read_text())["summary"]["create"] == 1


def test_a_plan_is_replaced_at_one_stroke(workspace):
    """Who has the old one open goes on reading that; its rights stay, and nothing is left beside it."""
    plan = workspace.root / "plan.json"
    workspace.run("plan", "--out", "plan.json")
    plan.chmod(0o640)
    with plan.open() as old:
        workspace.declare("a", "b")
        workspace.run("plan", "--out", "plan.json")
        assert json.load(old)["summary"]["create"] == 1
    assert json.loads(plan.read_text())["summary"]["create"] == 2
    assert plan.stat().st_mode & 0o777 == 0o640
    assert not list(workspace.root.glob(".*.part"))


def test_a_plan_goes_where_a_person_leads_it(workspace):
    """Standard output, a device, and a pipe that somebody reads."""
    assert '"formatVersion"' in workspace.run("plan", "--out", "/dev/stdout")
    workspace.run("plan", "--out", "/dev/null")
    pipe = workspace.root / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    workspace.run("plan", "--out", "pipe")
    reader.join()
    assert json.loads(read[0])["summary"]["create"] == 1


@pytest.mark.parametrize("link", [".reconciler", ".reconciler/recovery"])
@pytest.mark.parametrize("is_dangling", [False, True])
def test_a_folder_for_outcomes_that_is_a_link_is_refused(workspace, link, is_dangling, tmp_path):
    """Nothing is sent and nothing changed, and the place that it leads to stays as it is."""
    elsewhere = tmp_path / "elsewhere"
    if not is_dangling:
        elsewhere.mkdir()
    if link != ".reconciler":
        (workspace.root / ".reconciler").mkdir()
    (workspace.root / link).symlink_to(elsewhere)
    for command in (("apply", "--auto-approve"), ("import", "cs/a", f"EX{'0' * 32}")):
        said = error_of(workspace, *command)
        assert f"{link} is a link" in said
        assert "Nothing was sent or changed" in said
    assert "1 exam will be created" in workspace.run("plan")
    assert not elsewhere.exists() or not list(elsewhere.iterdir())


def token_file(workspace, kind):
    """A token file that is none."""
    file = workspace.root / "token"
    match kind:
        case "pipe":
            os.mkfifo(file)
        case "device":
            file.symlink_to("/dev/zero")
        case "directory":
            file.mkdir()
        case "too large":
            file.write_text(TOKEN * 10_000)
        case "not UTF-8":
            file.write_bytes(TOKEN.encode() + b"\xff")
        case "not a token":
            file.write_text(f"{TOKEN}\nand more")
        case "empty":
            file.write_text("\n")
        case _:
            assert kind == "absent"


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("pipe", "not a regular file"),
        ("device", "not a regular file"),
        ("directory", "not a regular file"),
        ("too large", "larger than 64 KiB"),
        ("not UTF-8", "not UTF-8"),
        ("not a token", "invalid characters"),
        ("empty", "empty"),
        ("absent", "No such file"),
    ],
)
def test_a_token_file_is_a_small_file_with_a_token(workspace, kind, why):
    """Anything else is refused without a wait, and nothing of it is said."""
    token_file(workspace, kind)
    said = error_of(workspace, "apply", "--auto-approve", "--token-file", "token")
    assert why in said
    assert TOKEN not in said
    assert "0 created" not in said
