"""Completion at Tab, in the real shells, and the answers that their scripts ask for."""

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from exam_workspace import MANIFEST, Workspace, exam

from reconciler.cli.completion import answers
from reconciler.sandbox import Settings
from reconciler.sandbox.running import running

ENVIRONMENTS = """
version: 1
environments:
  staging: {state: 'file:exams.state.json'}
  production: {state: 's3://exams/production'}
  "$(touch pwned)": {}
  "x;touch pwned": {}
"""
START = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "source <(reconciler completion bash)"),
    "zsh": (
        ["zsh", "-f", "-i"],
        "autoload -Uz compinit; compinit -D; source <(reconciler completion zsh)",
    ),
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A workspace in which cs/made exists, cs/doubt is in doubt, and cs/new is declared only."""
    made = Workspace(tmp_path_factory.mktemp("completed"))
    made.declare("made", "doubt")
    made.run("init")
    with running(Settings(port=0)) as sandbox:
        sandbox.misbehave("drop-after:title=Exam doubt")
        made.apply(sandbox.url, expect=3)
    made.write(MANIFEST + exam("new") + exam("made") + exam("doubt"))
    made.write(ENVIRONMENTS, "reconciler.yaml")
    (made.root / "folder").mkdir()
    return made


def environment(workspace) -> dict[str, str]:
    """That of a shell: its PATH begins with the folder of the installed command."""
    kept = workspace.environment()
    return kept | {"PATH": f"{Path(sys.executable).parent}:{kept['PATH']}", "TERM": "dumb", "PS1": "> "}


class Terminal:
    """A shell that believes that a person types."""

    def __init__(self, shell: str, workspace) -> None:
        program, setup = START[shell]
        self._words = workspace.root / "words"
        self._end, end_of_shell = pty.openpty()
        self._process = subprocess.Popen(
            program,
            cwd=workspace.root,
            env=environment(workspace),
            stdin=end_of_shell,
            stdout=end_of_shell,
            stderr=end_of_shell,
            start_new_session=True,
        )
        os.close(end_of_shell)
        self._type(f"{setup}\n")

    def completed(self, line: str) -> str:
        """Return what Tab makes of `line`: the shell's words, with a space between."""
        self._type(f"{line}\t\x01printf '%s ' \x05 >words\n")  # to the beginning of the line, and to its end
        return self._words.read_text().rstrip()

    def close(self) -> None:
        """End the shell."""
        self._process.kill()
        self._process.wait()
        os.close(self._end)

    def _type(self, text: str) -> None:
        """Type `text`, and wait until the shell has done all of it."""
        os.write(self._end, f"{text}printf 'do%s\\n' ne\n".encode())
        said, last = "", time.monotonic() + 30
        while "done" not in said and time.monotonic() < last:
            if select.select([self._end], [], [], 0.1)[0]:
                said += os.read(self._end, 65536).decode("utf-8", "replace")
        assert "done" in said, said


class Fish:
    """fish, which says what Tab would offer."""

    def __init__(self, workspace) -> None:
        self._workspace = workspace

    def completed(self, line: str) -> str:
        """Return `line` with its last word completed, if there is one way only."""
        script = 'reconciler completion fish | source; complete --do-complete "$argv"'
        done = subprocess.run(
            [shutil.which("fish"), "--no-config", "--command", script, line],
            cwd=self._workspace.root,
            env=environment(self._workspace),
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        found = [one.partition("\t")[0] for one in done.stdout.splitlines()]
        return " ".join([*line.split(" ")[:-1], *found]) if len(found) == 1 else line.rstrip()

    def close(self) -> None:
        """Do nothing: each question was a process of its own."""


@pytest.fixture(scope="module", params=["bash", "zsh", "fish"])
def shell(request, workspace):
    """Each shell in which completion is set up."""
    assert shutil.which(request.param), f"{request.param} was not found; .ci/install-packages installs it"
    opened = Fish(workspace) if request.param == "fish" else Terminal(request.param, workspace)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("val", "validate"),
        ("plan --env=sta", "plan --env=staging"),
        ("state show --env staging cs/m", "state show --env staging cs/made"),
        ("show exams.y", "show exams.yaml"),
        ("--chdir fol", "--chdir folder"),
        ("plan --env ", "plan --env"),
    ],
)
def test_tab_completes(shell, workspace, line: str, completed: str) -> None:
    """Commands, values, names of this workspace, files and folders; and no shell runs what a file says."""
    assert shell.completed(f"reconciler {line}").removesuffix("/") == f"reconciler {completed}"
    assert not (workspace.root / "pwned").exists()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("--qu", ["--quiet"]),
        ("state re", ["restore", "recover", "rebind"]),
        ("plan --targ", ["--target"]),
        ("plan --format m", ["markdown"]),
        ("plan --format=m", ["--format=markdown"]),
        ("plan --env ", ["staging", "production"]),
        ("plan --env staging --target ", ["cs/doubt", "cs/made", "cs/new"]),
        ("plan --env staging --target=cs/n", ["--target=cs/new"]),
        ("plan --env staging --target 'cs/n", ["cs/new"]),
        ("state show --env staging ", ["cs/doubt", "cs/made"]),
        ("state show --env staging --format json cs/m", ["cs/made"]),
        ("state mv --env staging ", ["cs/doubt", "cs/made"]),
        ("state mv --env staging cs/made ", []),
        ("state rm --env staging cs/m", ["cs/made"]),
        ("accept --env staging cs/made cs/d", ["cs/doubt"]),
        ("resolve --env staging ", ["cs/doubt"]),
        ("import --env staging cs/n", ["cs/new"]),
        ("import --env staging cs/new ", []),
        ("import --env staging cs/new EX1 ", [":files"]),
        ("unlock --env staging ", []),
        ("state show --env production ", []),
        ("explain short-n", ["short-notice"]),
        ("explain configuration.dur", ["configuration.duration"]),
        ("completion ", ["bash", "zsh", "fish"]),
        ("schema crea", ["create-exam"]),
        ("apply --expect ", [":files"]),
        ("plan --secrets-dir ", [":folders"]),
        ("plan --nonsense x", [":files"]),
        ("nonsense ", []),
        ("explain 'un\\", []),
    ],
)
def test_what_may_come_next(workspace, monkeypatch, line: str, found: list[str]) -> None:
    """It is for the environment and state that the line names; a state elsewhere is not asked."""
    monkeypatch.chdir(workspace.root)
    assert [answer.partition("\t")[0] for answer in answers(f"reconciler {line}")] == found


@pytest.mark.parametrize("before", ["", "TOKEN=x ", "sudo -E ", "./venv/bin/"])
def test_what_stands_before_the_program_does_not_count(before: str) -> None:
    """A shell passes all of the command."""
    assert [answer.partition("\t")[0] for answer in answers(f"{before}reconciler vali")] == ["validate"]


def test_the_id_of_a_lock_and_of_an_attempt_is_offered(tmp_path) -> None:
    """A run that was killed leaves both."""
    killed = Workspace(tmp_path)
    killed.declare("a")
    killed.run("init")
    killed.variables["RECONCILER_FAULT"] = "intent-durable=kill@1"
    with running(Settings(port=0)) as sandbox:
        killed.run("apply", "--auto-approve", "--api-url", sandbox.url, expect=-9)
    (lock,) = killed.run("completion", "bash", "reconciler unlock ").split()
    (attempt,) = killed.run("completion", "bash", "reconciler resolve cs/a --attempt ").split()
    assert lock in killed.run("unlock")
    assert attempt in killed.run("state", "show", "cs/a")


def test_whatever_lies_there_is_no_error(tmp_path) -> None:
    """Tab prints no complaint, even if a manifest is a pipe into which nobody writes."""
    broken = Workspace(tmp_path)
    for line in ("plan --target ", "state show ", "plan --env ", "unlock ", "--chdir /nowhere plan --env "):
        assert broken.run("completion", "zsh", f"reconciler {line}") == ""
    broken.write("exams: [", "exams.yaml")
    broken.write("\0", "exams.state.json")
    (tmp_path / "reconciler.yaml").mkdir()
    for line in ("plan --target ", "state show ", "plan --env "):
        assert broken.run("completion", "zsh", f"reconciler {line}") == ""
        assert broken.printed == ""
    (tmp_path / "reconciler.yaml").rmdir()
    (tmp_path / "exams.yaml").unlink()
    os.mkfifo(tmp_path / "exams.yaml")
    assert broken.run("completion", "zsh", "reconciler plan --target ") == ""


def test_an_answer_that_takes_too_long_is_given_up() -> None:
    """As from a network drive that hangs: the shell gets nothing, and no complaint."""
    script = (
        "import time\nfrom reconciler.cli import completion, main\n"
        "completion._PATIENCE_S, completion.answers = 0.2, lambda line: time.sleep(60)\n"
        "main(['completion', 'bash', 'reconciler '])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=30, check=True)
    assert done.stdout + done.stderr == b""


def test_a_thousand_exams_are_offered_in_time(tmp_path) -> None:
    """An answer that takes longer than two seconds is given up."""
    large = Workspace(tmp_path)
    large.declare(*(f"exam-{number}" for number in range(1000)))
    assert len(large.run("completion", "fish", "reconciler plan --target cs/").split()) == 1000
