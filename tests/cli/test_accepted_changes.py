"""Exams that were changed by hand, end to end: the hint, the block, the command, and what state keeps."""

import json
import re
import shlex

import jsonschema
import pytest
from exam_workspace import MANIFEST, SECRET, Workspace, exam

from reconciler import schemas
from reconciler.sandbox import Settings
from reconciler.sandbox.running import running

KEY = "0123456789abcdef" * 2
DURATION = [{"path": "configuration.duration", "before": 90, "after": 60}]


class Changed(Workspace):
    """A workspace in which cs/a and cs/b exist, and cs/a is declared with another duration."""

    def __init__(self, root, **variables):
        super().__init__(root)
        self.variables |= variables
        self.run("init")
        self.declare("a", "b")
        with running(Settings(port=0)) as sandbox:
            self.apply(sandbox.url)
        self.url = "http://127.0.0.1:9"
        self.rebind(self.url)
        self.redeclare()

    def redeclare(self, blocks="", duration=60):
        """Declare cs/a with `duration`, cs/b as it was, and `blocks`."""
        self.write(MANIFEST + exam("a", duration=duration) + exam("b") + blocks)

    def plan(self):
        """The plan's document."""
        document = json.loads(self.run("plan", "--format", "json", "--verbose"))
        jsonschema.Draft202012Validator(schemas.load("plan")).validate(document)
        return document

    def line(self):
        """The line of cs/a in the plan."""
        return self.plan()["changes"][0]

    def acceptances(self):
        """Those in state, which fits its schema."""
        document = self.state
        jsonschema.Draft202012Validator(schemas.load("state")).validate(document)
        return document.get("acceptances", [])


@pytest.fixture
def workspace(tmp_path):
    """Such a workspace."""
    return Changed(tmp_path)


@pytest.mark.parametrize("format_name", ["text", "markdown", "html", "json"])
def test_each_format_gives_the_line_to_paste_and_the_command(workspace, format_name):
    """With the digest that is declared, and the options that the command needs."""
    digest = workspace.line()["digest"]
    printed = workspace.run("plan", "--format", format_name, "--state", "file:./exams.state.json")
    assert f"exam: cs/a, digest: {digest}" in printed
    assert "reconciler accept cs/a --state file:./exams.state.json" in printed


def test_the_printed_block_works_as_it_is(workspace):
    """Pasted and applied, it leaves nothing to do: no request, one backup, and a trace of who and why."""
    before, digest = workspace.state, workspace.line()["digest"]
    block = next(line for line in workspace.run("plan").splitlines() if "accepted: [" in line).strip()
    workspace.redeclare(block.replace("}]", ", reason: the dean asked}]") + "\n")
    line = workspace.line()
    assert (line["action"], line["diff"], line["reason"]) == ("accept", DURATION, "the dean asked")
    printed = workspace.run("plan", "--out", "plan.json")
    assert "duration: 90 → 60" in printed
    assert "the dean asked" in printed
    assert workspace.run("show", "plan.json") == printed
    report = workspace.apply(workspace.url, "--expect", "plan.json")
    assert (report["summary"]["accepted"], report["exams"]) == (1, [])
    entry = workspace.state["exams"]["cs/a"]
    assert entry["digest"] == digest
    assert entry["payload"]["configuration"]["duration"] == 60
    assert {**entry, "digest": 0, "payload": 0} == {**before["exams"]["cs/a"], "digest": 0, "payload": 0}
    (acceptance,) = workspace.acceptances()
    assert acceptance["before"] == before["exams"]["cs/a"]["digest"]
    assert (acceptance["digest"], acceptance["reason"]) == (digest, "the dean asked")
    assert "@" in acceptance["by"]
    assert json.loads((workspace.root / "exams.state.json.backup").read_text()) == before
    plan = workspace.plan()
    assert (plan["summary"]["noop"], [note["code"] for note in plan["notes"]][-1]) == (2, "done")
    after = workspace.state
    workspace.apply(workspace.url)
    assert workspace.state == after


def test_the_printed_command_works_as_it_is(workspace):
    """It needs no service and no token, and `state show` tells who accepted what, and why."""
    command = next(line for line in workspace.run("plan").splitlines() if "reconciler accept" in line)
    workspace.variables = {}
    workspace.run(*shlex.split(command)[1:], "--reason", "the dean asked")
    assert "cs/a is accepted as declared (state serial" in workspace.printed
    assert workspace.plan()["summary"]["noop"] == 2
    (acceptance,) = workspace.acceptances()
    shown = workspace.run("state", "show", "cs/a")
    assert all(acceptance[key] in shown for key in ("by", "before", "digest", "reason"))
    assert json.loads(workspace.run("state", "show", "cs/a", "--format", "json"))["acceptances"] == [
        acceptance
    ]


def test_many_changed_exams_have_their_blocks_in_markdown(workspace):
    """As text they have a line each; the block of Markdown, pasted as it is, accepts all of them."""
    names = [f"x{number}" for number in range(30)]
    workspace.declare(*names)
    with running(Settings(port=0)) as sandbox:
        workspace.rebind(sandbox.url)
        workspace.write(MANIFEST + "".join(map(exam, names)) + "removed: [{exam: cs/a}, {exam: cs/b}]\n")
        workspace.apply(sandbox.url)
    changed = MANIFEST + "".join(exam(name, duration=60) for name in names)
    workspace.write(changed)
    printed = workspace.run("plan")
    assert "reconciler accept ADDRESS" in printed
    assert "accepted:" not in printed
    comment = workspace.run("plan", "--format", "markdown")
    (block,) = re.findall("^```yaml\n(.*?)^```$", comment, re.DOTALL | re.MULTILINE)
    workspace.write(f"{changed}{block}")
    assert workspace.plan()["summary"]["accept"] == len(names)


def test_a_reviewed_plan_holds_only_for_what_was_reviewed(workspace):
    """A block that was added since, or whose exam was declared otherwise since, is refused."""
    workspace.run("plan", "--out", "plan.json")
    digest = workspace.line()["digest"]
    workspace.redeclare(f"accepted: [{{exam: cs/a, digest: {digest}}}]\n")
    before = workspace.state
    workspace.run("apply", "--auto-approve", "--expect", "plan.json", expect=1)
    assert "is now to accept" in workspace.printed
    assert workspace.state == before


def test_another_digest_is_a_note_and_nothing_else(workspace):
    """Apply changes nothing, and the note says which digest to write."""
    block = f"accepted: [{{exam: cs/a, digest: sha256:{'0' * 64}}}]\n"
    workspace.redeclare(block)
    before, line = workspace.state, workspace.line()
    assert line["action"] == "changed"
    assert f"write digest: {line['digest']}" in workspace.run("plan").replace("\n    ", " ")
    workspace.apply(workspace.url)
    assert workspace.state == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("cs/b",), "cs/b is in state as it is declared: there is nothing to accept"),
        (("cs/a", "cs/b", "cs/c"), "cs/c is not declared"),
        (("cs/aa",), "Did you mean cs/a?"),
        (("../a",), "is not an address"),
        ((), "required"),
        (("cs/a", "--manifest", "none.yaml"), "none.yaml"),
        (("cs/a", "--manifest", ""), "a path is empty"),
    ],
)
def test_what_cannot_be_accepted_is_refused_whole(workspace, arguments, said):
    """Exit 1, and no exam is accepted, not even the right ones among them."""
    before = workspace.state
    workspace.run("accept", *arguments, expect=1)
    assert said in " ".join(workspace.printed.split())
    assert workspace.state == before


def test_manifests_may_be_named(workspace):
    """As `plan PATH` does, for a workspace that names none."""
    (workspace.root / "exams.yaml").rename(workspace.root / "other.yaml")
    workspace.run("accept", "cs/a", expect=1)
    workspace.run("accept", "cs/a", "--manifest", "other.yaml")
    assert len(workspace.acceptances()) == 1


@pytest.mark.parametrize("way", ["command", "block"])
def test_a_hostile_reason_is_harmless_everywhere(workspace, way):
    """It is one printable line in state and every format, and steers no terminal, page or comment."""
    reason = "a\nb \u202e</caption><script>alert(1)</script> | `x` @all"
    if way == "command":
        workspace.run("accept", "cs/a", "--reason", f"{reason} \x1b[31m \ud800")
    else:
        digest = workspace.line()["digest"]
        block = f"accepted: [{{exam: cs/a, digest: {digest}, reason: {json.dumps(reason)}}}]\n"
        workspace.redeclare(block)
        page = workspace.run("plan", "--format", "html")
        assert "<script>alert" not in page
        assert "</caption><script>" not in page
        assert "\u202e" not in workspace.run("plan")
        comment = workspace.run("plan", "--format", "markdown")
        assert "<script>" not in comment
        assert "@all" not in comment
        workspace.apply(workspace.url)
    (acceptance,) = workspace.acceptances()
    assert acceptance["reason"].startswith("a b \N{REPLACEMENT CHARACTER}</caption>")
    assert acceptance["reason"].isprintable()
    shown = workspace.run("state", "show", "cs/a")
    assert "\x1b" not in shown


@pytest.fixture
def tracked(tmp_path):
    """Such a workspace, with a key, in which only the password of cs/a was changed."""
    made = Changed(tmp_path, RECONCILER_STATE_KEY=KEY)
    made.write(made.root.joinpath("exams.yaml").read_text().replace("60", "90", 1))
    made.redeclare(duration=90)
    made.variables["EXAM_SECRET_CS"] = "treasure"
    return made


def test_a_changed_password_is_accepted_by_the_command_alone(tracked):
    """No block is offered for it; both exams have the new value, and the one that is accepted is done."""
    line = tracked.line()
    assert (line["action"], "manifest" in line["accept"]) == ("changed", False)
    tracked.redeclare(f"accepted: [{{exam: cs/a, digest: {line['digest']}}}]\n", duration=90)
    assert tracked.line()["action"] == "changed"
    tracked.run("accept", "cs/a")
    assert "treasure" not in tracked.printed
    assert [change["action"] for change in tracked.plan()["changes"]] == ["noop", "changed"]
    assert "treasure" not in (tracked.root / "exams.state.json").read_text()
    tracked.variables["EXAM_SECRET_CS"] = SECRET
    assert [change["action"] for change in tracked.plan()["changes"]] == ["changed", "noop"]


def test_a_block_takes_the_present_password_too(tracked):
    """Where the body differs as well, apply keeps the fingerprint of the value that it has now."""
    tracked.redeclare(duration=60)
    block = f"accepted: [{{exam: cs/a, digest: {tracked.line()['digest']}}}]\n"
    tracked.redeclare(block, duration=60)
    tracked.apply(tracked.url)
    assert [change["action"] for change in tracked.plan()["changes"]] == ["noop", "changed"]


def test_an_acceptance_without_the_key_tracks_no_other_value(tracked):
    """The fingerprint of what was sent stays, so the changed password is still seen."""
    tracked.redeclare(duration=60)
    key = tracked.variables.pop("RECONCILER_STATE_KEY")
    tracked.run("accept", "cs/a")
    assert tracked.line()["action"] == "noop"
    tracked.run("accept", "cs/a", expect=1)
    assert "RECONCILER_STATE_KEY" in tracked.printed
    tracked.variables["RECONCILER_STATE_KEY"] = key
    assert tracked.line()["diff"][0]["valueDiffers"] is True


@pytest.mark.parametrize("version", [1, 4])
def test_an_older_state_takes_an_acceptance(workspace, version):
    """It is written in the present format."""
    path = workspace.root / "exams.state.json"
    document = workspace.state | {"formatVersion": version}
    if version == 1:
        del document["service"]
    path.write_text(json.dumps(document))
    workspace.run("accept", "cs/a")
    assert workspace.state["formatVersion"] == 4
    assert len(workspace.acceptances()) == 1


def test_an_acceptance_survives_what_follows(workspace):
    """A rename, a removal and a push; a push without it is refused."""
    workspace.run("accept", "cs/a", "--reason", "the dean asked")
    known = workspace.acceptances()
    workspace.run("state", "mv", "cs/a", "cs/z")
    assert "the dean asked" in workspace.run("state", "show", "cs/z")
    workspace.run("state", "rm", "cs/z")
    assert re.search(
        "not in state any more.*the dean asked", workspace.run("state", "show", "cs/a"), re.DOTALL
    )
    pulled = json.loads(workspace.run("state", "pull"))
    del pulled["acceptances"]
    workspace.write(json.dumps(pulled | {"serial": pulled["serial"] + 1}), "pushed.json")
    workspace.run("state", "push", "pushed.json", expect=1)
    assert "which changes were accepted: cs/a" in workspace.printed
    assert workspace.acceptances() == known
