"""The example of two environments, planned in both with the installed command."""

import json
import re
import shutil
from pathlib import Path

import pytest
from exam_workspace import Workspace

EXAMPLE = Path(__file__).parents[2] / "examples" / "two-environments"


@pytest.fixture
def workspace(tmp_path):
    """A copy of the example."""
    shutil.copytree(EXAMPLE, tmp_path / "copy")
    return Workspace(tmp_path / "copy")


def line_of(name, text):
    """The file `name` of the example, and the line on which `text` stands."""
    lines = (EXAMPLE / name).read_text().splitlines()
    (number,) = [number for number, line in enumerate(lines, 1) if text in line]
    return f"{name}:{number}"


def planned(workspace, name, *more):
    """The changes of a plan for the environment `name`, by address."""
    document = json.loads(workspace.run("plan", "--env", name, "--format", "json", *more))
    return {change["address"]: change for change in document["changes"]}


def test_both_environments_are_planned(workspace):
    """Three exams are created in both, each in the install and course of its environment; one in staging."""
    found = {}
    for name in ("staging", "production"):
        workspace.run("init", "--env", name)
        found[name] = planned(workspace, name)
        assert {change["action"] for change in found[name].values()} == {"create"}
    staging, production = found["staging"], found["production"]
    assert staging.pop("cs101/rehearsal")["after"]["title"] == "CS 101 Rehearsal"
    assert list(staging) == list(production) == ["cs101/final", "cs101/midterm", "hist2/essay"]
    for address, change in staging.items():
        other = production[address]
        assert (change["installSid"][:6], other["installSid"][:6]) == ("AI0000", "AI9999")
        assert change["courseSid"] != other["courseSid"]
        contacts = change["after"].pop("contactUserSid"), other["after"].pop("contactUserSid")
        assert [contact[:6] for contact in contacts] == ["US0001", "US9001"]
        assert change["after"] == other["after"]
    essay = staging["hist2/essay"]
    assert essay["timezone"] == "Europe/Paris"
    assert essay["after"]["configuration"]["examOpenDate"] == "2031-11-03T09:00:00.000Z"
    assert essay["after"]["configuration"]["permittedBathroomBreak"] is True


@pytest.mark.parametrize(("name", "exams"), [("staging", 4), ("production", 3)])
def test_no_rule_finds_anything(workspace, name, exams):
    """The example is clean in both environments, to the strictest, before its exams are near."""
    workspace.run("validate", "--env", name, "--strict", "--now", "2031-09-01T00:00:00Z")
    assert f"Valid: {exams} exams, no problems found." in workspace.printed


def test_the_moment_is_judged_in_the_zone_of_the_exam(workspace):
    """An essay that closes at six in Paris is over at six there, which is noon in New York."""
    chosen = ("validate", "--env", "staging", "exams/humanities/history.yaml", "--now")
    workspace.run(*chosen, "2031-11-03T16:59:59Z")
    assert "window-over" not in workspace.printed
    workspace.run(*chosen, "2031-11-03T17:00:00Z")
    closes = line_of("exams/humanities/history.yaml", "examCloseDate")
    assert f"{closes}:22: warning[window-over]" in workspace.printed


def test_each_environment_has_a_state_of_its_own(workspace):
    """What was initialised for one is not there for the other."""
    workspace.run("init", "--env", "staging")
    workspace.run("plan", "--env", "production", expect=1)
    assert "state/production.json" in workspace.printed


def test_without_a_choice_the_environments_are_named(workspace):
    """No command guesses which environment is meant; `validate` looks at all."""
    for command in ("plan", "apply", "init", "show"):
        workspace.run(command, expect=1)
        told = workspace.printed
        assert told.endswith(
            "error: no environment is chosen\n  Choose with --env; there are 'staging', 'production'.\n"
        )
        assert told.count("\n") == 2  # and no word of mistakes in manifests, which have none
    workspace.run("validate", "--now", "2031-09-01T00:00:00Z")
    assert "Valid: 4 exams, no problems found." in workspace.printed
    workspace.run("validate", "--env", "prodution", expect=1)
    assert "did you mean 'production'? There are: 'staging', 'production'." in workspace.printed


def test_provenance_is_shown_when_asked(workspace):
    """JSON names layer, file and line of each value; text does so when asked."""
    workspace.run("init", "--env", "staging")
    text = workspace.run("plan", "--env", "staging", "--provenance", "--target", "cs101/final")
    unwrapped = re.sub(r"\n {20,}", "  ", text)
    found = re.findall(r"^    (\w+) +(.*)  \(([^()]+)\)$", unwrapped, re.MULTILINE)
    origins = {name: origin for name, _, origin in found}
    values = {name: value for name, value, _ in found}
    assert values["duration"] == "120"
    assert values["password"] == "from EXAM_SECRET_CS101_FINAL"
    defaults, exams = "exams/_defaults.yaml", "exams/computing.yaml"
    assert origins["type"] == f"defaults, {line_of(defaults, 'type: Online')}"
    assert (
        origins["requireApproval"] == f"profile live-proctored, {line_of(defaults, 'requireApproval: true')}"
    )
    assert origins["duration"] == f"exam, {line_of(exams, 'duration: 120')}"
    assert origins["password"] == f"exam, {line_of(exams, 'EXAM_SECRET_CS101_FINAL')}"
    assert origins["courseSid"].startswith("exam, exams/computing.yaml:")
    assert origins["timezone"] == f"file, {line_of(defaults, 'timezone: ')}"
    for path, text in (("installSid", "AI0000"), ("courseSid", "CU0101"), ("contactUserSid", "US0001")):
        assert origins[path].endswith(f"environment staging, {line_of('reconciler.yaml', text)}")

    workspace.run("plan", "--env", "staging", "--out", "plan.json")
    changes = json.loads((workspace.root / "plan.json").read_text())["changes"]
    assert changes[0]["provenance"]["requireApproval"] == {
        "file": "exams/_defaults.yaml",
        "line": int(line_of(defaults, "requireApproval: true").rpartition(":")[2]),
        "column": 22,
        "layer": "profile",
        "name": "live-proctored",
    }
    assert "cs101/final" in workspace.run("show", "plan.json", "--env", "staging")
    assert "requireApproval" in planned(workspace, "staging")["cs101/final"]["provenance"]
    assert "computing.yaml:28)" not in workspace.run("plan", "--env", "staging")


def test_a_target_that_matches_nothing_names_the_nearest(workspace):
    """An address or glob is a target; one that matches nothing is refused."""
    workspace.run("init", "--env", "staging")
    cs101 = ["cs101/final", "cs101/midterm", "cs101/rehearsal"]
    assert list(planned(workspace, "staging", "--target", "cs101/*")) == cs101
    workspace.run("plan", "--env", "staging", "--target", "cs101/finale", expect=1)
    assert "Did you mean cs101/final" in workspace.printed


def test_an_exam_of_the_other_environment_is_told_as_such(workspace):
    """As a target and as one to import; what state has of it is an orphan, with where it is declared."""
    workspace.run("init", "--env", "production")
    chosen, only = ("--env", "production"), "cs101/rehearsal is declared for staging only"
    assert f"{only} ({line_of('exams/computing.yaml', 'cs101/rehearsal:')}:3)." in workspace.refused(
        "plan", *chosen, "--target", "cs101/rehearsal"
    )
    assert only in workspace.refused("import", "cs101/rehearsal", f"EX{1:032x}", *chosen)
    text = (workspace.root / "exams/computing.yaml").read_text()
    (workspace.root / "exams/computing.yaml").write_text(text.replace("environments: [staging]", ""))
    workspace.run("import", "cs101/rehearsal", f"EX{1:032x}", *chosen)
    (workspace.root / "exams/computing.yaml").write_text(text)
    document = json.loads(workspace.run("plan", *chosen, "--format", "json"))
    assert document["summary"]["orphaned"] == 1
    (note,) = [note for note in document["notes"] if note["code"] == "declared-elsewhere"]
    assert note["message"] == f"{only}, and is in this state"
    assert f"{only}, and is in this state" in workspace.run("plan", *chosen)


def test_a_command_to_copy_says_which_environment(workspace):
    """A refusal's next command, as an error and in a plan, works on the state that was meant."""
    assert "`reconciler init --env staging`" in workspace.refused("plan", "--env", "staging")
    workspace.run("init", "--env", "staging")
    hint = workspace.refused("state", "mv", "a", "b", "--env", "staging")
    assert "`reconciler state list --env staging`" in hint
