"""A year of a university: two terms from tables to closed, as the clock moves; nothing is created twice."""

import hashlib
import json
import re
import shlex
import signal
from contextlib import contextmanager
from datetime import datetime
from itertools import count

import pytest
from drafted import filled

from reconciler.cli import main
from reconciler.cli.dispatch import STOPPING
from reconciler.host import SystemClock
from reconciler.sandbox import Settings
from reconciler.sandbox.running import running

TERMS = """\
version: 1
manifests: ["exams/**/*.yaml"]
terms:
  2031fa: {starts: 2031-08-25, ends: 2031-12-19, skip: [{from: 2031-11-24, to: 2031-11-30}]}
  2032sp: {starts: 2032-01-12, ends: 2032-05-07, skip: [{from: 2032-03-08, to: 2032-03-14}]}
"""
REGISTRAR = """\
Final examinations - Fall 2031;;;;;;;
;Exam;;Window;;;;
Course;Name;Section;Start;End;Duration;Delivery Method;Access Code
CS 101;Final Exam;001;12/15/2031 9:00 AM;12/15/2031 12:00 PM;120;Online;it's-Blue
CS 101;Final Exam;002;12/15/2031 1:00 PM;12/15/2031 4:00 PM;120;Online;green "two"
MATH 120;Final; ;12/16/2031 9:00 AM;12/16/2031 12:00 PM;2 hours;Paper;
"""
CANVAS = [
    {
        "title": f"Midterm {number}",
        "html_url": f"https://canvas.example.edu/courses/77/quizzes/{number}",
        "time_limit": 75,
        "allowed_attempts": 1,
        "access_code": f"W1nter\\Moon#{number}",
        "unlock_at": f"2031-{month}-13T14:00:00Z",
        "lock_at": f"2031-{month}-14T22:00:00Z",
    }
    for number, month in ((1, 10), (2, 11))
]
CODES = ("it's-Blue", 'green "two"', "W1nter")
EXAMS = {"2031fa/cs101/final-exam/001", "2031fa/cs101/final-exam/002", "2031fa/math120/final"} | {
    "2031fa/course77/midterm-1",
    "2031fa/course77/midterm-2",
}


class Year:
    """A workspace in which commands run by a clock that the test sets, and the sandbox that they apply to."""

    def __init__(self, root, sandbox, monkeypatch, capfd):
        self.root, self.sandbox, self.variables, self.capfd = root, sandbox, monkeypatch, capfd
        self.variables.chdir(root)
        self.variables.setenv("HOME", str(root))
        self.variables.setenv("XDG_STATE_HOME", str(root / "machine"))
        self.variables.setenv("SMARTERPROCTORING_TOKEN", "a.token.x")
        self.variables.setattr(SystemClock, "now", lambda _: self.now)

    def on(self, day):
        """Move the clock to the morning of `day`."""
        self.now = datetime.fromisoformat(f"{day}T07:00:00+00:00")

    def run(self, *arguments, expect=0):
        """Run a command that exits with `expect`; return its standard output. No access code is shown."""
        assert main([*arguments]) == expect, self.capfd.readouterr()
        out, self.notices = self.capfd.readouterr()
        assert not [code for code in CODES if code in out + self.notices]
        return out

    def put(self, name, text):
        """Write `text` to the file `name`."""
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text, encoding="utf-8")

    def edit(self, name, before, after):
        """Replace the only `before` in the file `name`."""
        text = (self.root / name).read_text(encoding="utf-8")
        assert text.count(before) == 1
        self.put(name, text.replace(before, after))

    def plan(self, *more):
        """What a plan would do, by action, and which guards refuse it; without them it warns of nothing."""
        plan = json.loads(self.run("plan", "--format", "json", "--api-url", self.sandbox.url, *more))
        assert plan["refused"] or plan.get("warnings", []) == []
        done = {action: number for action, number in plan["summary"].items() if number and action != "noop"}
        return done, [guard["code"] for guard in plan["refused"]]

    def apply(self, creates):
        """Apply: so many exams are created, and a plan after it creates none."""
        before = len(self.sandbox.created)
        self.run("apply", "--auto-approve", "--api-url", self.sandbox.url)
        assert len(self.sandbox.created) == before + creates
        assert "create" not in self.plan()[0]

    def draft(self, table, manifest, *options):
        """Draft a manifest of the fall from a table, fill its gaps, and set its access codes."""
        codes = f"{table}.env"
        text = self.run("draft", "--from", table, "--secrets-out", codes, *options)
        self.put(manifest, filled(text).replace("version: 1\n", "version: 1\nterm: 2031fa\n", 1))
        for line in shlex.split((self.root / codes).read_text(encoding="utf-8"), comments=True):
            self.variables.setenv(*line.split("=", 1))

    def fill_in(self, manifest):
        """Fill in what a rollover marked, as a person does, each with a value of its own."""
        numbers = count(1)

        def value(mark):
            own = f"{manifest} {next(numbers)}"
            if mark[0].startswith("EXAM_SECRET_"):
                name = f"EXAM_SECRET_{hashlib.md5(own.encode()).hexdigest().upper()}"  # noqa: S324 - a name
                self.variables.setenv(name, "correct horse")
                return name
            if mark[1]:
                return f"{mark[1]}https://canvas.example.edu/{own.replace(' ', '/')}"
            return f"CU{hashlib.md5(own.encode()).hexdigest()}"  # noqa: S324 - a SID

        text = (self.root / manifest).read_text(encoding="utf-8")
        self.put(manifest, re.sub(r"EXAM_SECRET_TODO|(url: )?\bTODO\b", value, text))


@contextmanager
def signals_restored():
    """Put the handlers of signals back: an apply ends with its process, and here that is the test's."""
    before = {number: signal.getsignal(number) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.fixture
def year(tmp_path, monkeypatch, capfd):
    """Such a workspace, with the tables of a fall."""
    with running(Settings(port=0)) as sandbox, signals_restored():
        made = Year(tmp_path, sandbox, monkeypatch, capfd)
        made.put("reconciler.yaml", TERMS)
        made.put("finals.csv", REGISTRAR)
        made.put("quizzes.json", json.dumps(CANVAS))
        yield made


def test_a_year_is_played_and_nothing_is_created_twice(year):
    """Draft, apply, change, accept, rollover, next term, close: each at its time, each exam once."""
    year.on("2031-08-20")
    year.run("init")
    for table, options in (("finals.csv", ("--dates", "mdy")), ("quizzes.json", ())):
        manifest = f"exams/2031fa/{table.split('.')[0]}.yaml"
        year.draft(table, manifest, *options)
        year.run("check", manifest, "--against", table)
    assert year.plan() == ({"create": 5}, [])
    year.apply(5)
    state = json.loads((year.root / "exams.state.json").read_text())
    assert state["exams"].keys() == EXAMS

    year.on("2031-10-20")  # the first midterm is over, and that is no news of an exam that exists
    fall = "exams/2031fa/finals.yaml"
    year.edit(fall, "2031-12-15T13:00", "2031-12-15T14:00")
    year.run("check", fall, "--against", "finals.csv", expect=1)
    assert year.plan() == ({"changed": 1}, [])
    year.apply(0)
    year.run("accept", "2031fa/cs101/final-exam/002", "--reason", "the room is taken until two")
    assert year.plan() == ({}, [])

    year.on("2031-12-18")
    year.run("init", "--state", "file:empty.state.json")
    assert year.plan("--state", "file:empty.state.json")[1] == ["window-closed"]  # nobody could sit these
    year.run("rollover", "--from", "2031fa", "--to", "2032sp", "exams/2031fa")
    assert "to-fill-in" in year.run("validate", expect=1) + year.notices
    for manifest in ("exams/2032sp/finals.yaml", "exams/2032sp/quizzes.yaml"):
        year.fill_in(manifest)
    assert year.plan() == ({"create": 5}, [])
    year.apply(5)

    year.on("2032-01-05")
    for file in (year.root / "exams/2031fa").iterdir():
        file.unlink()
    year.put("exams/closed.yaml", 'version: 1\nremoved: [{exam: "2031fa/*"}]\n')
    assert year.plan() == ({"forget": 5}, [])
    year.apply(0)
    assert year.plan() == ({}, [])

    year.on("2032-06-01")  # the spring is over too
    assert year.plan() == ({}, [])
    state = json.loads((year.root / "exams.state.json").read_text())
    assert state["exams"].keys() == {address.replace("2031fa", "2032sp") for address in EXAMS}
    created = [(each["courseSid"], each["body"]["title"]) for each in year.sandbox.created]
    assert len(created) == len(set(created)) == 10
    opened = [each["body"]["configuration"]["examOpenDate"][:4] for each in year.sandbox.created]
    assert opened == ["2031"] * 5 + ["2032"] * 5
