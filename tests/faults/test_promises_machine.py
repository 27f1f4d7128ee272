"""The promises as invariants over any history of edits, applies, failures and settlements.

A machine of hypothesis plays course teams, pipelines, failing disks, kills and an unreliable service, of
which it keeps a model. Each exam that a team means has a title of its own for ever, so that one that is
created twice shows as a title seen twice.
"""

import hashlib
import json
import re
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest
import zygote
from exam_workspace import MANIFEST, SECRET, exam
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from promises import read_state
from recording_server import RecordingServer

from reconciler.fault_points import Failure, Step

KILLS = [(step, Failure.KILL) for step in Step]
FAILURES = [(step, action) for step in Step for action in step.actions - {Failure.KILL, Failure.STOP}]
CREATES = {
    "created": (200, lambda sid: json.dumps({"sid": sid})),
    "created, answered by a proxy": (502, lambda _: "<h1>Bad gateway</h1>"),
    "created, without a sid": (200, lambda _: "{}"),
}
REFUSES = {"lost": (504, ""), "refused": (422, '{"message": "no"}'), "token": (401, "")}
behaviours = st.lists(st.sampled_from([*CREATES, *REFUSES]), max_size=4)


class ModelServer(RecordingServer):
    """The service: knows what it created, by SID, and answers each request as planned, or well."""

    def __init__(self):
        super().__init__()
        self.created = {}
        self.planned = []
        self.respond = self._respond

    def _respond(self, request):
        behaviour = self.planned.pop(0) if self.planned else "created"
        if behaviour in REFUSES:
            status, body = REFUSES[behaviour]
            return status, {}, body.encode()
        self.created[request.sid] = request.body["title"]
        status, body = CREATES[behaviour]
        return status, {}, body(request.sid).encode()


class History(RuleBasedStateMachine):
    """One workspace, one state, one service."""

    def __init__(self):
        super().__init__()
        self.resources = ExitStack()
        self.server = self.resources.enter_context(ModelServer())
        self.folder = Path(self.resources.enter_context(tempfile.TemporaryDirectory()))
        self.titles = {}
        self.durations = {}
        self.blocks = {"imports": [], "moved": [], "removed": [], "absent": []}
        self.imported = {}
        self.strangers = set()
        self.forgotten = set()
        self.number = 0

    @initialize()
    def init(self):
        """There is a state, and nothing is declared."""
        self.write()
        self.run("init")

    def teardown(self):
        """Whatever happened, once all doubts are settled one apply makes everything whole."""
        try:
            if (self.folder / "exams.state.json").exists():
                self.server.planned.clear()
                while self.state["intents"]:
                    self.settle(min(self.state["intents"]))
                self.apply(expect={0})
                self.write()
                document = self.plan()
                assert document["summary"]["create"] == document["summary"]["inDoubt"] == 0
                entries = self.state["exams"]
                for address, title in self.titles.items():
                    assert self.server.created[entries[address]["sid"]] == title
        finally:
            self.resources.close()

    def run(self, *arguments, expect=frozenset({0}), fault=None):
        """What a command printed on standard output, once it ended as expected."""
        variables = {"SMARTERPROCTORING_TOKEN": "a.token.x", "EXAM_SECRET_CS": SECRET, "COLUMNS": "200"}
        if fault is not None:
            variables["RECONCILER_FAULT"] = fault
        done = zygote.run(*arguments, cwd=self.folder, env=variables)
        printed = done.stdout + done.stderr
        assert done.returncode in expect, printed
        for secret in ("Traceback", SECRET, "a.token.x"):
            assert secret not in printed
        return done.stdout

    def apply(self, *more, expect, fault=None):
        """Apply; anything that is created is created at the model of the service."""
        arguments = ("apply", "--auto-approve", "--api-url", self.server.url, *more)
        return self.run(*arguments, expect=expect, fault=fault)

    def plan(self):
        """The plan's document."""
        return json.loads(self.run("plan", "--format", "json", "--quiet"))

    @property
    def state(self):
        """The state's document, with what a killed run left in the journal."""
        return read_state(self.folder)

    def write(self):
        """Write the manifest."""
        exams = "".join(
            exam(address.removeprefix("cs/"), duration=self.durations[address]).replace(
                f"title: Exam {address.removeprefix('cs/')}\n", f"title: {title}\n"
            )
            for address, title in self.titles.items()
        )
        blocks = "".join(f"{key}: {json.dumps(entries)}\n" for key, entries in self.blocks.items() if entries)
        manifest = MANIFEST.replace("exams:\n", f"{blocks}exams:{' {}' if not exams else ''}\n")
        (self.folder / "exams.yaml").write_text(manifest + exams)

    def new_address(self):
        """An address that was never used, and is like no other: a guard minds slips between those."""
        self.number += 1
        return f"cs/{hashlib.sha256(b'%d' % self.number).hexdigest()[:10]}"

    @rule()
    def declare(self):
        """A team declares one more exam."""
        address = self.new_address()
        self.titles[address], self.durations[address] = f"Exam of {address}", 60
        self.write()

    @precondition(lambda self: self.titles)
    @rule(data=st.data(), duration=st.integers(30, 120))
    def edit(self, data, duration):
        """A team edits an exam, created or not."""
        self.durations[data.draw(st.sampled_from(sorted(self.titles)))] = duration
        self.write()

    @precondition(lambda self: self.titles)
    @rule(data=st.data())
    def undeclare(self, data):
        """A team deletes an exam from the manifest."""
        address = data.draw(st.sampled_from(sorted(self.titles)))
        del self.titles[address]
        self.drop_imports(address)
        self.write()

    def import_as(self, address, sid):
        """Write an `imports` block, and keep in mind which exam it is about, under whatever name."""
        self.blocks["imports"].append({"exam": address, "sid": sid})
        self.imported[sid] = address

    def drop_imports(self, address):
        """Delete the import of an exam that is declared no more: it would point nowhere."""
        gone = [sid for sid, now in self.imported.items() if now == address]
        self.blocks["imports"] = [block for block in self.blocks["imports"] if block["sid"] not in gone]

    @precondition(lambda self: self.titles)
    @rule(data=st.data(), by_hand=st.booleans(), is_tidy=st.booleans())
    def rename(self, data, by_hand, is_tidy):
        """A team renames an exam, by `moved` or by `state mv`; its import may keep the old name."""
        source = data.draw(st.sampled_from(sorted(self.titles)))
        target = self.new_address()
        if by_hand and source in self.state["exams"]:
            self.run("state", "mv", source, target)
        else:
            self.blocks["moved"].append({"from": source, "to": target})
        for block in self.blocks["imports"]:
            if self.imported[block["sid"]] == source:
                self.imported[block["sid"]] = target
                block["exam"] = target if is_tidy else block["exam"]
        self.titles[target] = self.titles.pop(source)
        self.durations[target] = self.durations.pop(source)
        self.write()

    @precondition(lambda self: self.titles)
    @rule(data=st.data())
    def forget(self, data):
        """A team has state forget an exam that it deletes from the manifest."""
        known = sorted(self.titles.keys() & self.state["exams"].keys())
        if known:
            address = data.draw(st.sampled_from(known))
            self.forgotten.add(self.titles.pop(address))
            self.drop_imports(address)
            self.blocks["removed"].append({"exam": address})
            self.write()

    @rule(by_command=st.booleans())
    def adopt(self, by_command):
        """An exam that was made in the web console is declared and adopted."""
        address = self.new_address()
        sid, title = f"EX{self.number:032x}".replace("EX0", "EXf"), f"Exam of {address}"
        self.server.created[sid] = title
        self.strangers.add(sid)
        self.titles[address], self.durations[address] = title, 45
        if not by_command:
            self.import_as(address, sid)
        self.write()
        if by_command:
            self.run("import", address, sid)

    @precondition(lambda self: self.titles)
    @rule(planned=behaviours, parallelism=st.sampled_from(["1", "3"]))
    def apply_to_an_unreliable_service(self, planned, parallelism):
        """A pipeline applies, and the service answers as it likes."""
        self.server.planned[:] = planned
        self.apply("--parallelism", parallelism, expect={0, 1, 3})

    @precondition(lambda self: self.titles)
    @rule(planned=behaviours, kill=st.sampled_from(KILLS), nth=st.integers(1, 3))
    def apply_and_be_killed(self, planned, kill, nth):
        """A pipeline applies, and its runner dies at one of the steps, if that is reached."""
        self.server.planned[:] = planned
        step, action = kill
        fault = f"{step.spelling}={action.value}@{nth}"
        self.apply("--parallelism", "1", expect={0, 1, 3, -9}, fault=fault)

    @precondition(lambda self: self.titles)
    @rule(planned=behaviours, failure=st.sampled_from(FAILURES), nth=st.integers(1, 3))
    def apply_with_a_failing_disk(self, planned, failure, nth):
        """A pipeline applies, and the disk fails at one of the steps."""
        self.server.planned[:] = planned
        step, action = failure
        fault = f"{step.spelling}={action.value}@{nth}"
        self.apply("--parallelism", "1", expect={0, 1, 3, -9}, fault=fault)

    @rule(data=st.data(), by_command=st.booleans())
    def settle_one(self, data, by_command):
        """A person looks in the service, and says truthfully what is there."""
        if doubts := sorted(self.state["intents"]):
            self.settle(data.draw(st.sampled_from(doubts)), by_command=by_command)

    def settle(self, address, *, by_command=True):
        """Settle the doubt at `address` as it is in the service."""
        intent = self.state["intents"][address]
        title = intent["payload"]["title"]
        sid = next((sid for sid, created in self.server.created.items() if created == title), None)
        if by_command:
            self.run("resolve", address, *(["--absent"] if sid is None else ["--sid", sid]))
        elif sid is None:
            self.blocks["absent"].append({"exam": address, "attempt": intent["attempt"]})
        elif address in self.titles and all(block["sid"] != sid for block in self.blocks["imports"]):
            self.import_as(address, sid)
        self.write()

    @rule()
    def plan_changes_nothing(self):
        """A pull request is planned: state and journal stay byte for byte."""
        before = {path.name: path.read_bytes() for path in self.folder.glob("exams.state.json*")}
        self.plan()
        assert {path.name: path.read_bytes() for path in self.folder.glob("exams.state.json*")} == before

    @invariant()
    def never_twice(self):
        """No exam that a team means was created twice."""
        titles = list(self.server.created.values())
        assert len(titles) == len(set(titles)), titles

    @invariant()
    def never_lost(self):
        """Each exam of the service is in state under its SID, or in doubt, or was given up by a person."""
        if not (self.folder / "exams.state.json").exists():
            return
        state = self.state
        known = {entry["sid"] for entry in state["exams"].values()}
        doubted = {intent["payload"]["title"] for intent in state["intents"].values()}
        for sid, title in self.server.created.items():
            assert sid in known | self.strangers or title in doubted | self.forgotten, (sid, title)

    @invariant()
    def state_is_sound(self):
        """No SID is held twice, and no address is both created and in doubt."""
        if not (self.folder / "exams.state.json").exists():
            return
        state = self.state
        sids = [entry["sid"] for entry in state["exams"].values()]
        assert len(sids) == len(set(sids))
        assert all(re.fullmatch("EX[0-9a-f]{32}", sid) for sid in sids)
        assert not state["exams"].keys() & state["intents"].keys()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("_part", range(4))  # which several workers play at once
def test_any_history_keeps_the_promises(_part):
    """Nothing twice, nothing lost, and in the end everything whole."""
    run_state_machine_as_test(
        History,
        settings=settings(
            max_examples=5,
            stateful_step_count=20,
            deadline=None,
            phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking would take an hour
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
