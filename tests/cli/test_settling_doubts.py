"""Exams in doubt, end to end: what each command tells of them, what settles them, and what is refused."""

import csv
import json
import shlex
import urllib.request
from argparse import Namespace

import jsonschema
import pytest
from exam_workspace import MANIFEST, Workspace, exam

from reconciler import schemas
from reconciler.cli.arguments import invocation_of
from reconciler.sandbox import Settings
from reconciler.sandbox.running import running

SID = "EX" + "ab" * 16
SECRET_NAME = "EXAM_SECRET"
FILES = ("exams.state.json", "exams.state.json.journal", "exams.state.json.backup")


def doubtful(root):
    """A workspace at `root` in which cs/made exists, and cs/a, cs/b and cs/c are in doubt."""
    made = Workspace(root)
    made.run("init")
    made.declare("a", "b", "c", "made")
    with running(Settings(port=0)) as sandbox:
        sandbox.misbehave("drop-after:title=Exam [abc]")
        made.apply(sandbox.url, expect=3)
    assert set(made.state["intents"]) == {"cs/a", "cs/b", "cs/c"}
    return made


@pytest.fixture
def workspace(tmp_path):
    """Such a workspace, to be changed."""
    return doubtful(tmp_path)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    """Such a workspace, for what changes nothing in it."""
    return doubtful(tmp_path_factory.mktemp("untouched"))


def attempt_of(workspace, name):
    """The attempt in doubt at cs/`name`."""
    return workspace.state["intents"][f"cs/{name}"]["attempt"]


def redeclare(workspace, *names, blocks="", **configuration):
    """Declare exams of these names anew, with `blocks` behind them."""
    workspace.write(MANIFEST + "".join(exam(name, **configuration) for name in names) + blocks)


def resolutions(workspace):
    """What state says of the ends of doubts, without the time."""
    document = workspace.state
    jsonschema.Draft202012Validator(schemas.load("state")).validate(document)
    return [
        (one["address"], one["attempt"], one["sid"], one["how"]) for one in document.get("resolutions", [])
    ]


def actions(workspace):
    """The action of each address in a plan of now."""
    plan = json.loads(workspace.run("plan", "--format", "json", "--verbose"))
    return {change["address"]: change["action"] for change in plan["changes"]}


@pytest.mark.parametrize(
    ("arguments", "sid", "how"),
    [
        (("resolve", "cs/a", "--sid", SID), SID, "resolve --sid"),
        (("resolve", "cs/a", "--absent"), None, "resolve --absent"),
        (("import", "cs/a", SID), SID, "import"),
    ],
)
def test_every_command_that_settles_says_who_did(workspace, arguments, sid, how):
    """State keeps attempt, finding, way and person, and `state show` tells them."""
    attempt = attempt_of(workspace, "a")
    workspace.run(*arguments)
    assert resolutions(workspace) == [("cs/a", attempt, sid, how)]
    (resolution,) = workspace.state["resolutions"]
    assert "@" in resolution["by"]
    shown = workspace.run("state", "show", "cs/a")
    assert all(part in shown for part in (attempt, how, resolution["by"], resolution["at"][:10]))
    told = json.loads(workspace.run("state", "show", "cs/a", "--format", "json"))
    assert told["resolutions"] == [resolution]


def test_blocks_that_settle_say_who_applied_them(workspace):
    """Both blocks leave their trace, the state before is kept, and applying them again changes nothing."""
    first, second = attempt_of(workspace, "a"), attempt_of(workspace, "b")
    blocks = f'imports: [{{exam: cs/a, sid: {SID}}}]\nabsent: [{{exam: cs/b, attempt: "{second}"}}]\n'
    redeclare(workspace, "a", "c", "made", blocks=blocks)
    with running(Settings(port=0)) as sandbox:
        workspace.rebind(sandbox.url)
        before = workspace.state
        workspace.apply(sandbox.url, expect=3)
        assert sandbox.requests == 0
        assert sorted(resolutions(workspace)) == [
            ("cs/a", first, SID, "imports"),
            ("cs/b", second, None, "absent"),
        ]
        assert json.loads((workspace.root / "exams.state.json.backup").read_text()) == before
        assert "exams.state.json.backup" in workspace.printed
        after = workspace.state
        workspace.apply(sandbox.url, expect=3)
        assert workspace.state == after
        assert sandbox.requests == 0


@pytest.mark.parametrize("way", ["resolve", "import", "imports"])
def test_a_settled_exam_is_recorded_as_it_was_sent(workspace, way):
    """Whatever settles it, an edit made since is shown as a difference from what exists."""
    sent = workspace.state["intents"]["cs/a"]
    redeclare(workspace, "a", "b", "c", "made", duration=120)
    if way == "resolve":
        workspace.run("resolve", "cs/a", "--sid", SID)
    elif way == "import":
        workspace.run("import", "cs/a", SID)
    else:
        blocks = f"imports: [{{exam: cs/a, sid: {SID}}}]\n"
        redeclare(workspace, "a", "b", "c", "made", duration=120, blocks=blocks)
        shown = workspace.run("plan")
        assert "configuration.duration: 90 → 120" in shown
        workspace.rebind("http://127.0.0.1:9")
        workspace.apply("http://127.0.0.1:9", expect=3)
    entry = workspace.state["exams"]["cs/a"]
    assert (entry["payload"], entry["digest"]) == (sent["payload"], sent["digest"])
    assert actions(workspace)["cs/a"] == "changed"


def test_one_doubt_blocks_no_other_exam(workspace):
    """New exams are created while others are in doubt, even while one of those is being renamed."""
    redeclare(workspace, "b", "c", "made", "new", "other", blocks="moved: [{from: cs/a, to: cs/new}]\n")
    with running(Settings(port=0)) as sandbox:
        workspace.rebind(sandbox.url)
        report = workspace.apply(sandbox.url, expect=3)
        assert [one["address"] for one in report["exams"]] == ["cs/other"]
        assert sandbox.requests == 1
    plan = json.loads(workspace.run("plan", "--format", "json"))
    (line,) = [one for one in plan["changes"] if one["address"] == "cs/new"]
    assert (line["action"], line["movedFrom"]) == ("in-doubt", "cs/a")
    command = line["doubt"]["settle"]["commands"][0].replace("EX…", SID)
    workspace.run(*shlex.split(command)[1:])
    assert actions(workspace)["cs/new"] == "move"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("resolve", "cs/made", "--absent"), "cs/made is not in doubt: it is created already"),
        (("resolve", "cs/x9", "--absent"), "cs/x9 is not in doubt: it is not in state"),
        (("resolve", "cs/aa", "--absent"), "Did you mean cs/a?"),
        (("resolve", "../a", "--absent"), "is not an address"),
        (("resolve", "cs/a", "--sid", "{made}"), "is held by cs/made"),
        (("resolve", "cs/a", "--sid", SID.upper()), f"did you mean {SID}?"),
        (("resolve", "cs/a", "--sid", SID[:-1]), "EX and 32 characters"),
        (("resolve", "cs/a", "--sid", f" {SID}"), f"did you mean {SID}?"),
        (("resolve", "cs/a", "--sid", f"CU{SID[2:]}"), "CU is the prefix of courses"),
        (("resolve", "cs/a", "--sid", f"EC{SID[2:]}"), "EC is the prefix of exam configurations"),
        (("resolve", "cs/a", "--sid", "EX…"), "is not an exam's SID"),
        (("resolve", "cs/a", "--sid", SID, "--absent"), "not allowed with"),
        (("resolve", "cs/a"), "required"),
        (("resolve", "cs/a", "--absent", "--attempt", "another"), "not another"),
        (("resolve", "cs/a", "--sid", SID, "--attempt", "another"), "not another"),
        (("import", "cs/a", "{made}"), "is held by cs/made"),
        (("import", "cs/mdae", SID), "Did you mean cs/made?"),
        (("import", "cs/a", SID.lower()), f"did you mean {SID}?"),
        (("state", "mv", "cs/a", "cs/z"), "cs/a is in doubt"),
        (("state", "mv", "cs/made", "cs/a"), "which is in doubt"),
        (("state", "rm", "cs/a"), "cs/a is in doubt"),
        (("state", "show", "cs/mdae"), "Did you mean cs/made?"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(untouched, arguments, said):
    """Exit 1, what is wrong and what may have been meant, and every file byte for byte as before."""
    made = untouched.state["exams"]["cs/made"]["sid"]
    before = contents(untouched)
    untouched.run(*(word.replace("{made}", made) for word in arguments), expect=1)
    assert said in " ".join(untouched.printed.split())
    assert contents(untouched) == before


def contents(workspace):
    """The bytes of state, journal and backup; None where there is none."""
    paths = [workspace.root / name for name in FILES]
    return [path.read_bytes() if path.exists() else None for path in paths]


def test_a_doubt_is_settled_once(workspace):
    """The second command is told who was first."""
    workspace.run("resolve", "cs/a", "--absent", "--attempt", attempt_of(workspace, "a"))
    before = contents(workspace)
    workspace.run("resolve", "cs/a", "--sid", SID, expect=1)
    assert "settled by `resolve --absent` before" in workspace.printed
    assert contents(workspace) == before


def test_nothing_is_settled_while_an_apply_is_under_way(workspace):
    """An exam called absent while its request is in flight would be created twice: the lock prevents it."""
    redeclare(workspace, "a", "b", "c", "made", "slow")
    with running(Settings(port=0)) as sandbox:
        workspace.rebind(sandbox.url)
        sandbox.misbehave("latency:seconds=30")
        started = workspace.start("apply", "--auto-approve", "--api-url", sandbox.url)
        while not sandbox.requests:
            assert started.poll() is None
        before = contents(workspace)
        for address in ("cs/slow", "cs/a"):
            workspace.run("resolve", address, "--absent", expect=1)
            assert "lock" in workspace.printed
            assert contents(workspace) == before
        started.kill()
        started.communicate()
    workspace.run("resolve", "cs/slow", "--absent")
    assert [address for address, *_ in resolutions(workspace)] == ["cs/slow"]


def test_resolutions_outlive_all_that_follows(workspace):
    """Moves, removals, creates and pushes keep them; a push without them is refused."""
    workspace.run("resolve", "cs/a", "--sid", SID)
    workspace.run("resolve", "cs/b", "--absent")
    known = resolutions(workspace)
    workspace.run("state", "mv", "cs/a", "cs/z")
    assert SID in workspace.run("state", "show", "cs/z")
    assert "resolve --sid" in workspace.printed
    workspace.run("state", "rm", "cs/made")
    redeclare(workspace, "b", "made")
    with running(Settings(port=0)) as sandbox:
        workspace.rebind(sandbox.url)
        workspace.apply(sandbox.url, expect=3)
    pulled = json.loads(workspace.run("state", "pull"))
    assert resolutions(workspace) == known
    pulled["serial"] += 1
    workspace.write(json.dumps(pulled), "pushed.json")
    workspace.run("state", "push", "pushed.json")
    assert resolutions(workspace) == known
    del pulled["resolutions"]
    pulled["serial"] += 1
    workspace.write(json.dumps(pulled), "pushed.json")
    before = contents(workspace)
    workspace.run("state", "push", "pushed.json", expect=1)
    assert "how doubts were settled: cs/a, cs/b" in workspace.printed
    assert contents(workspace) == before


def in_doubt_report_parts(workspace, name):
    """What every in-doubt report of cs/`name` tells."""
    intent = workspace.state["intents"][f"cs/{name}"]
    return (
        intent["attempt"],
        intent["by"],
        intent["answer"]["reason"][:30],
        f"Exam {name}\n",
        f"Install SID:  {intent['installSid']}",
        f"Course SID:   {intent['courseSid']}",
        "exist",
        "web console",
        f"reconciler resolve cs/{name} --sid EX…",
        f"reconciler resolve cs/{name} --absent",
        f"imports: [{{exam: cs/{name}, sid: EX…}}]",
        f"absent: [{{exam: cs/{name}, attempt: ",
    )


@pytest.mark.parametrize("command", ["plan", "show", "show plan.json", "state list", "state show cs/a"])
def test_every_command_tells_the_same_in_doubt_report(untouched, command):
    """Wherever a person meets an exam in doubt, all that is needed to settle it is there, and no secret."""
    untouched.run("plan", "--out", "plan.json")
    shown = untouched.run(*command.split())
    missing = [part for part in in_doubt_report_parts(untouched, "a") if part not in shown]
    assert not missing
    assert SECRET_NAME not in "".join(
        line for line in shown.splitlines() if "configuration.password" not in line and "details" not in line
    )


def test_the_report_of_an_apply_tells_it_too(workspace):
    """At the moment at which it is needed first; the report's document holds it as well."""
    redeclare(workspace, "new")
    with running(Settings(port=0)) as sandbox:
        workspace.rebind(sandbox.url)
        sandbox.misbehave("drop-before")
        arguments = ("apply", "--auto-approve", "--api-url", sandbox.url)
        shown = workspace.run(*arguments, expect=3).partition("Created 0 of 1")[0]
        assert not [part for part in in_doubt_report_parts(workspace, "new") if part not in shown]
        redeclare(workspace, "newer")
        report = workspace.apply(sandbox.url, expect=3)
    jsonschema.Draft202012Validator(schemas.load("report")).validate(report)
    (told,) = [one["doubt"] for one in report["exams"]]
    assert told["attempt"] == attempt_of(workspace, "newer")


def test_commands_to_copy_work_where_they_are_copied(tmp_path):
    """With --chdir, --env and --state given, the in-doubt report's commands work from the same directory."""
    home = tmp_path / "the term"
    home.mkdir()
    inner = Workspace(home)
    inner.declare("a", "b")
    (home / "reconciler.yaml").write_text(
        "version: 1\nenvironments:\n  staging: {state: 'file:s1.json'}\n  other: {state: 'file:s2.json'}\n"
    )
    outer = Workspace(tmp_path)
    options = ("--chdir", "the term", "--env", "staging")
    outer.run("init", *options)
    with running(Settings(port=0)) as sandbox:
        sandbox.misbehave("drop-after")
        outer.run("apply", "--auto-approve", "--api-url", sandbox.url, *options, expect=3)
    plan = json.loads(outer.run("plan", "--format", "json", *options))
    settle = {one["address"]: one["doubt"]["settle"]["commands"] for one in plan["changes"]}
    outer.run(*shlex.split(settle["cs/a"][0].replace("EX…", SID))[1:])
    outer.run(*shlex.split(settle["cs/b"][1])[1:])
    state = json.loads((home / "s1.json").read_text())
    assert (list(state["exams"]), state["intents"]) == (["cs/a"], {})


def test_a_saved_plan_keeps_the_options_of_its_commands(untouched):
    """`show FILE` elsewhere names the state that the plan was made from, unless told another."""
    state = (untouched.root / "exams.state.json").read_bytes()
    (untouched.root / "moved.json").write_bytes(state)
    untouched.run("plan", "--state", "file:moved.json", "--out", "plan.json")
    assert "--absent --state file:moved.json" in untouched.run("show", "plan.json")
    assert "--absent --state file:else.json" in untouched.run(
        "show", "plan.json", "--state", "file:else.json"
    )


def test_a_password_in_a_state_url_is_not_repeated():
    """Nobody copies it out of a log."""
    parsed = Namespace(chdir=None, env=None, state="s3://user:hunter2@store/x")
    assert invocation_of(parsed).options == ("--state", "s3://user:***@store/x")


def test_a_sheet_settles_many_under_one_lock(workspace):
    """One commit and one backup; what is still in doubt is named, and the sheet may be run again."""
    attempts = {name: attempt_of(workspace, name) for name in "abc"}
    rows = f"cs/a,{attempts['a']},{SID}\r\ncs/b,{attempts['b']},absent\r\ncs/c,{attempts['c']},\r\n"
    (workspace.root / "doubts.csv").write_text(f"\ufeffaddress,attempt,sid\r\n{rows}")
    before = workspace.state
    shown = workspace.run("resolve", "--from", "doubts.csv")
    assert "cs/c  is in doubt as before: its cell is empty" in shown
    assert f"Settled 2 exams, 1 still in doubt (state serial {before['serial'] + 1})." in shown
    assert resolutions(workspace) == [
        ("cs/a", attempts["a"], SID, "resolve --sid"),
        ("cs/b", attempts["b"], None, "resolve --absent"),
    ]
    assert json.loads((workspace.root / "exams.state.json.backup").read_text()) == before
    after = contents(workspace)
    assert "cs/a  was settled like this before" in workspace.run("resolve", "--from", "doubts.csv")
    assert contents(workspace) == after


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "wrong.csv"), "wrong.csv:3:1: error[resolution-sheet]: cs/zz is not in doubt"),
        (("--from", "wrong.csv"), "wrong.csv:4:1: error[resolution-sheet]: cs/b is in doubt about"),
        (("--from", "wrong.csv"), "the sheet wrong.csv is refused as a whole"),
        (
            ("--from", "wrong.csv", "--state", "file:./exams.state.json"),
            "csv --state file:./exams.state.json`",
        ),
        (("--from", "exams.state.json"), "does not name the column"),
        (("--from", "large.csv"), "is larger than 4 MiB"),
        (("--from", "absent.csv"), "No such file"),
        (("--from", "."), "Is a directory"),
        (("--from", "-"), "standard input:1:1: error[resolution-sheet]: the first line does not name"),
        (("--from", "/dev/zero"), "is larger than 4 MiB"),
        (("cs/a", "--from", "wrong.csv"), "Give no ADDRESS"),
        (("--from", "wrong.csv", "--attempt", "x"), "no --attempt"),
        (("--from", "wrong.csv", "--absent"), "not allowed with"),
        (("--absent",), "no address is given"),
    ],
)
def test_a_wrong_sheet_changes_nothing(untouched, arguments, said):
    """Exit 1, each wrong line with its place, and every file byte for byte as before."""
    right = f"cs/a,{attempt_of(untouched, 'a')},{SID}\n"
    (untouched.root / "wrong.csv").write_text(f"address,attempt,sid\n{right}cs/zz,x,absent\ncs/b,x,\n")
    (untouched.root / "large.csv").write_text(f"address,attempt,sid\n{right}" + "\n" * 4 * 1024**2)
    before = contents(untouched)
    untouched.run("resolve", *arguments, expect=1)
    assert said in " ".join(untouched.printed.split())
    assert contents(untouched) == before


@pytest.mark.parametrize("separator", [",", ";"])
def test_fifty_doubts_are_settled_with_one_sheet(tmp_path, separator):
    """The printed commands write a sheet of all in doubt, and settle what a person found in the service."""
    workspace = Workspace(tmp_path)
    names = [f"{kind}{number:02}" for kind in ("there", "lost") for number in range(25)]
    workspace.declare(*names, "made")
    workspace.run("init")
    with running(Settings(port=0)) as sandbox:
        sandbox.misbehave("drop-after:title=Exam there*", "drop-before:title=Exam lost*")
        told = workspace.run("apply", "--auto-approve", "--api-url", sandbox.url, expect=3)
        found = {one["body"]["title"]: one["sid"] for one in exams_at(sandbox.url)}
    assert told.count("Subject: ") == told.count("Subject: Were these 50 exams created?") == 1
    assert all(f". Exam {name}\n" in told for name in names)
    listing, resolving = (line.strip() for line in told.splitlines() if "doubts.csv" in line)
    assert listing.endswith(" > doubts.csv")
    sheet = workspace.run(*shlex.split(listing)[1:-2])
    assert sheet.startswith("address,attempt,sid,")
    head, *rows = csv.reader(sheet.splitlines())
    for row in rows:
        row[2] = found.get(row[3], "absent")
    rows[7][2] = ""
    with (tmp_path / "doubts.csv").open("w", encoding="utf-8-sig") as file:
        csv.writer(file, delimiter=separator).writerows([head, *rows, [""] * len(head)])
    workspace.run(*shlex.split(resolving)[1:])
    assert "Settled 49 exams, 1 still in doubt" in workspace.printed
    assert list(workspace.state["intents"]) == [rows[7][0]]
    kept = {address: entry["sid"] for address, entry in workspace.state["exams"].items()}
    assert kept == {f"cs/{title.removeprefix('Exam ')}": sid for title, sid in found.items()}


def exams_at(url):
    """The exams that the sandbox at `url` holds."""
    with urllib.request.urlopen(f"{url}/exams.json") as answer:  # noqa: S310 - the test's own server
        return json.load(answer)["exams"]


def test_a_list_shows_what_is_asked_for(untouched):
    """A glob and --in-doubt narrow every format; JSON keeps the shape of the state document."""
    document = json.loads(untouched.run("state", "list", "cs/a*", "--format", "json"))
    jsonschema.Draft202012Validator(schemas.load("state")).validate(document)
    assert (document["exams"], list(document["intents"])) == ({}, ["cs/a"])
    document = json.loads(untouched.run("state", "list", "--in-doubt", "--format", "json"))
    assert (document["exams"], list(document["intents"])) == ({}, ["cs/a", "cs/b", "cs/c"])
    assert (
        json.loads(untouched.run("state", "list", "cs/m*", "--in-doubt", "--format", "json"))["intents"] == {}
    )
    lines = untouched.run("state", "list", "*/made", "--format", "csv").splitlines()
    assert [line.split(",")[0] for line in lines] == ["address", "cs/made"]
    text = untouched.run("state", "list", "cs/b")
    assert ("cs/b" in text, "cs/made" in text, "cs/a" in text) == (True, False, False)
    markdown = untouched.run("state", "list", "--in-doubt", "--format", "markdown")
    assert ("`cs/c`" in markdown, "cs/made" in markdown) == (True, False)
    assert untouched.run("state", "list", "--format", "json") == untouched.run("state", "pull")


@pytest.mark.parametrize(
    ("glob", "said"), [("cs/mde", "Did you mean cs/made or"), ("x*", "globs such as 'cs101/*'")]
)
def test_a_glob_that_matches_nothing_is_refused(untouched, glob, said):
    """As with --target: exit 1, and what may have been meant."""
    untouched.run("state", "list", glob, expect=1)
    assert f"the glob '{glob}' matches no address" in untouched.printed
    assert said in untouched.printed


def test_nothing_in_doubt_is_an_answer(tmp_path):
    """A sheet of nothing has its head, and settles nothing."""
    workspace = Workspace(tmp_path)
    workspace.run("init")
    sheet = workspace.run("state", "list", "--in-doubt", "--format", "csv")
    assert sheet.startswith("address,attempt,sid,")
    assert sheet.count("\n") == 1
    (tmp_path / "doubts.csv").write_text(sheet)
    assert "Settled 0 exams, 0 still in doubt" in workspace.run("resolve", "--from", "doubts.csv")
    assert "0 exams" in workspace.run("state", "list", "--in-doubt")
