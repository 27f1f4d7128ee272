"""An hour of random kills and faults, round after round: each promise is checked after each run.

    make soak
    .venv/bin/python tests/soak/soak.py --minutes 3 --seed 7 --store s3

Each round declares exams and applies them while the process is killed, told to stop, or failed by its disk,
and the server misbehaves. Then it settles what is in doubt and sees that each exam is there once. What goes
wrong, and when, follows from the seed; in which order requests arrive does not, so that a run is repeated as
closely as timing allows. At the first broken promise it ends with exit code 1, and the workspace is kept.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import object_servers
from exam_workspace import Workspace
from git_repositories import bare
from promises import check_promises, settle

from reconciler import fault_points
from reconciler.fault_points import Failure, Step
from reconciler.sandbox.running import running
from reconciler.state.locking import find
from reconciler.stores.opening import open_store

FAULTS = (
    "429:retry-after=1,every=12",
    "rate:per-second=30",
    "status:code=500,every=8",
    "status:code=503,stored=true,every=9",
    "status:code=422,every=7",
    "html:stored=true,every=10",
    "redirect:code=307,every=11",
    "drop-before:every=6",
    "drop-after:every=6",
    "no-sid:every=8",
    "truncated:every=7",
    "slow-body:seconds=0.5,every=5",
    "latency:seconds=0.5,every=5",
)
LATENCIES = ("latency:seconds=0.1", "latency:seconds=0.3", "latency:seconds=0.5")
"""So that a run over all exams takes long enough to be killed in its middle."""

LONGEST_UNDER_WAY_S = 1.5
"""How long the server may still be at work on a request whose sender was killed."""
LONGEST_RUN_S = 120
CODES = {0, 1, 3, 130, 143, -signal.SIGKILL, -signal.SIGINT, -signal.SIGTERM}
"""A second signal may meet an interpreter that has done its work and is on its way out."""
MOST_SHOWN = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """What is to happen to one run: faults at the server, one within the process, and signals from outside.

    The first signal comes `after_s` seconds after the process began, or after its first request arrived.
    """

    faults: tuple[str, ...]
    within: str | None
    signals: tuple[signal.Signals, ...]
    is_after_request: bool
    after_s: float
    parallelism: int


@contextmanager
def state_in_a_file(_):
    """Keep state where it is kept unless said otherwise."""
    yield "file:exams.state.json", {}


@contextmanager
def state_in_git(root):
    """Keep state in a repository of its own."""
    yield f"git+file://{bare(root / 'exams.git')}", {"GIT_CONFIG_GLOBAL": "/dev/null"}


@contextmanager
def state_in_s3(_):
    """Keep state in a bucket that moto plays."""
    with object_servers.moto() as server:
        yield server.url(), server.variables


STORES = {"file": state_in_a_file, "git": state_in_git, "s3": state_in_s3}


def draw_blow(chance, store):
    """The next run's fate."""
    kind = chance.choices(("kill", "point", "stop"), weights=(12, 4, 2))[0]
    stop = chance.sample((signal.SIGINT, signal.SIGTERM), k=chance.choice((1, 2)))
    return Blow(
        faults=(chance.choice(LATENCIES), *chance.sample(FAULTS, k=chance.randrange(4))),
        within=draw_point(chance, store) if kind == "point" else None,
        signals=tuple(stop) if kind == "stop" else (signal.SIGKILL,),
        is_after_request=kind == "stop" or chance.random() < 0.8,
        after_s=chance.uniform(0, 0.8),
        parallelism=chance.choice((1, 2, 4, 10)),
    )


def draw_point(chance, store):
    """A fault at a step that every run reaches, once or many times."""
    others = ("BACKUP", *(("STORE",) if store == "file" else ("LOCK", "LOG", "SNAPSHOT", "SCRATCH", "TIDY")))
    step = chance.choice([step for step in Step if not step.name.startswith(others)])
    action = chance.choice([action for action in Failure if action in step.actions - {Failure.STOP}])
    is_often = step.name.startswith(("LOG_W", "LOG_F", "STORE", "INTENT", "ANSWERED", "OUTCOME"))
    return f"{step.spelling}={action.value}@{chance.randrange(1, 20) if is_often else 1}"


class Soak:
    """The rounds, and what they came to."""

    def __init__(self, options):
        self.options = options
        self.figures = Counter()
        self.ends_at = time.monotonic() + options.minutes * 60

    def is_over(self):
        """Whether the time is up."""
        return time.monotonic() >= self.ends_at

    def run_round(self, number):
        """One workspace from its first exam to its last."""
        chance = random.Random(f"{self.options.seed}/{number}")  # noqa: S311 - it chooses what goes wrong
        names = [f"e{exam:04}" for exam in range(self.options.exams)]
        folder = Path(tempfile.mkdtemp(prefix=f"soak-{self.options.seed}-{number}-"))
        root = folder / "workspace"  # the key of the machine is beside it
        root.mkdir()
        try:
            with running() as sandbox, STORES[self.options.store](root) as (url, variables):
                os.environ.update(variables)  # for the looks of this process
                self.state_url = url
                workspace = Workspace(root)
                workspace.variables |= variables
                workspace.write(
                    f"version: 1\nenvironments: {{only: {{state: '{url}'}}}}\n", "reconciler.yaml"
                )
                workspace.run("init")
                workspace.declare(*names)
                self.strike_until_done(workspace, sandbox, chance)
                self.end_well(workspace, sandbox, names)
        except Exception:
            say(f"BROKEN in round {number}; seed {self.options.seed}; the workspace is kept in {root}")
            raise
        shutil.rmtree(folder)
        self.figures["rounds"] += 1

    def strike_until_done(self, workspace, sandbox, chance):
        """Runs with all that can go wrong, until nothing is left to create or enough was killed."""
        kills = 0
        while kills < self.options.kills and not self.is_over():
            blow = draw_blow(chance, self.options.store)
            sandbox.misbehave(*blow.faults)
            code = self.strike(workspace, sandbox, blow)
            self.count_faults(sandbox)
            kills += code == -signal.SIGKILL
            self.unlock(workspace)
            state = check_promises(workspace, sandbox)
            if len(state["exams"]) == self.options.exams:
                return
            if state["intents"] and chance.random() < 0.3:  # a person comes now and then
                self.settle(workspace, sandbox, state["intents"])

    def unlock(self, workspace):
        """Break the lock that a run left, as a person does who sees that it has ended."""
        store = open_store(self.state_url, root=workspace.root)
        lock = find(store).lock
        if lock is not None and not store.has_ended(lock.lock_id):
            workspace.run("unlock", lock.lock_id)
            self.figures["locks broken"] += 1

    def strike(self, workspace, sandbox, blow):
        """One apply that meets `blow`; its exit code."""
        usual = workspace.variables
        workspace.variables = usual if blow.within is None else usual | {fault_points.VARIABLE: blow.within}
        process = workspace.start(*apply_to(sandbox), "--parallelism", str(blow.parallelism))
        workspace.variables = usual
        try:
            if blow.is_after_request:
                wait_for_request(process, sandbox)
            for number in blow.signals:
                wait(process, blow.after_s)
                process.send_signal(number)
            out, err = process.communicate(timeout=LONGEST_RUN_S)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise AssertionError(f"a run did not end: {process.communicate()}") from error
        code = process.returncode
        assert code in CODES, f"exit {code}: {out[-MOST_SHOWN:]}{err[-MOST_SHOWN:]}"
        assert "Traceback" not in err, err
        self.figures["runs"] += 1
        self.figures["kills"] += code == -signal.SIGKILL
        self.figures["stops"] += code != -signal.SIGKILL and blow.signals[0] != signal.SIGKILL
        self.figures["faults within"] += blow.within is not None
        return code

    def count_faults(self, sandbox):
        """Add how often the server misbehaved in the last run, its usual latency left out."""
        faults = sandbox.service.faults._counted[1:]
        self.figures["server faults"] += sum(counted._struck for counted in faults)

    def settle(self, workspace, sandbox, doubts):
        """Settle a few of `doubts` by what is at the server, once nothing can be under way to it any more."""
        time.sleep(LONGEST_UNDER_WAY_S)
        few = sorted(doubts)[:5]
        settle(workspace, sandbox, few)
        self.figures["doubts settled"] += len(few)
        check_promises(workspace, sandbox)

    def end_well(self, workspace, sandbox, names):
        """The server behaves, a person settles every doubt, and each exam is there once."""
        sandbox.misbehave()
        while (state := check_promises(workspace, sandbox))["intents"]:
            self.settle(workspace, sandbox, state["intents"])
        workspace.run(*apply_to(sandbox))
        state = check_promises(workspace, sandbox)
        assert state["exams"].keys() == {f"cs/{name}" for name in names}
        assert len(sandbox.created) == len(names)
        assert not list(workspace.root.glob(".reconciler/recovery/*.recovery")), "state has all of them"
        self.figures["exams created"] += len(sandbox.created)
        self.figures["requests"] += sandbox.requests

    def report(self):
        """Print the figures."""
        ordered = ("rounds", "runs", "kills", "stops", "faults within", "server faults", "requests",
                   "exams created", "doubts settled", "locks broken")  # fmt: skip
        say(", ".join(f"{self.figures[name]} {name}" for name in ordered) + ", 0 duplicates, 0 lost SIDs")


def apply_to(sandbox):
    """The arguments of an apply of all that is declared."""
    sending = ("--api-url", sandbox.url, "--timeout", "5", "--retry-timeout", "30")
    return ("apply", "--auto-approve", "--max-creates", "100000", *sending)


def wait(process, seconds):
    """Return after `seconds`, or when the process has ended; its output is read meanwhile."""
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return


def wait_for_request(process, sandbox):
    """Return when one more request has arrived, or the process has ended."""
    before = sandbox.requests
    while sandbox.requests == before and process.poll() is None:
        wait(process, 0.005)


def say(text):
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main():
    """Soak as the arguments say; the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60, help="how long (default: 60)")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000, help="what to repeat")
    parser.add_argument("--exams", type=int, default=400, help="exams of a round (default: 400)")
    parser.add_argument("--kills", type=int, default=60, help="most kills of a round (default: 60)")
    parser.add_argument("--store", choices=STORES, default="file", help="where state is kept (default: file)")
    options = parser.parse_args()
    more = f"--exams {options.exams} --kills {options.kills} --store {options.store}"
    say(f"repeat with --seed {options.seed} {more}")
    soak = Soak(options)
    number = 0
    try:
        while not soak.is_over():
            number += 1
            soak.run_round(number)
            soak.report()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        say(f"{type(error).__name__}: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
