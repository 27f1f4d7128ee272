"""An answer that is remembered is the answer that reading everything anew would give, or it is not given."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler import recollection, workflows
from reconciler.cache import Answers
from reconciler.model.declarations import Loaded
from reconciler.model.origins import Tracing
from reconciler.workflows import Scope, Secrets, Sending

EXAMPLES = Path(__file__).parents[2] / "examples"
REFERENCE = "{fromEnv: EXAM_SECRET_A}"
NOW = datetime(2026, 9, 1, tzinfo=UTC)
SHELL = """\
version: 1
{more}installSid: AI1234567890abcdef1234567890abcdef
courses: {{c: CU1234567890abcdef1234567890abcdef}}
defaults:
  {{type: Online, useProctorManager: true, requireApproval: false, enableAppointmentSuggestions: true}}
exams:
"""
EXAM = """\
  c/e{n}:
    course: c
    title: Exam {n}
    url: https://lms.example.edu/{n}
    examDeliverySystemModule: canvas
    configuration:
      examOpenDate: 2026-10-{day}T09:00Z
      examCloseDate: 2026-10-{day}T12:00Z
      password: {password}
"""


def write(root: Path, *, exams: int = 6, password: str = REFERENCE, more: str = "") -> None:
    """A manifest with some warnings: windows that overlap, titles nearly alike, an ignore to be unused."""
    text = SHELL.format(more=more) + "".join(
        EXAM.format(n=n, day=f"{10 + n % 3}", password=password) for n in range(exams)
    )
    text = text.replace(
        "title: Exam 1\n", "title: Exam-0\n  # reconciler: ignore[title-spaces] to be unused\n"
    )
    (root / "exams.yaml").write_text(text)


@pytest.fixture(autouse=True)
def keep_all(monkeypatch):
    """Let small manifests be worth keeping an answer to."""
    monkeypatch.setattr(recollection, "WORTH_KEEPING", 1)


@pytest.fixture
def readings(monkeypatch):
    """How often manifests were read anew."""
    counted = []
    declare = recollection.manifest.declare

    def counting(*arguments):
        counted.append(arguments)
        return declare(*arguments)

    monkeypatch.setattr(recollection.manifest, "declare", counting)
    return counted


def ask(root: Path, *, now: datetime = NOW, is_remembering: bool = True, **scope: object) -> Loaded:
    """What the manifests at `root` give."""
    return workflows.validate(Scope(root=root, may_remember=is_remembering, **scope), now=now)


def test_the_second_answer_is_the_first(tmp_path, readings):
    """Exams, findings, places and excerpts come back equal, and nothing is read anew for them."""
    write(tmp_path)
    cold = ask(tmp_path, is_remembering=False)
    assert ask(tmp_path) == cold
    assert len(readings) == 2
    assert ask(tmp_path) == cold
    assert len(readings) == 2
    assert len(cold.diagnostics) > 3


@pytest.mark.parametrize(
    ("example", "environment"),
    [
        ("exams.yaml", None),
        ("two-environments", "staging"),
        ("two-environments", "production"),
        ("rules-plugin", None),
    ],
)
def test_examples_are_remembered_as_they_are(tmp_path, example, environment):
    """Bases, profiles, environments and their warnings: cold, kept and remembered are one."""
    source = EXAMPLES / example
    root = tmp_path / "root"
    if source.is_dir():
        shutil.copytree(source, root)
    else:
        root.mkdir()
        shutil.copy(source, root / "exams.yaml")
    answers = [
        ask(root, is_remembering=is_remembering, environment_name=environment)
        for is_remembering in (False, True, True)
    ]
    assert answers[0] == answers[1] == answers[2]


def test_an_edit_is_seen(tmp_path):
    """A change of one character, with the same length and time stamp, is another question."""
    write(tmp_path)
    before = ask(tmp_path)
    file = tmp_path / "exams.yaml"
    times = file.stat()
    file.write_text(file.read_text().replace("lms.example.edu/3", "lms.example.edu/4"))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    after = ask(tmp_path)
    assert after != before
    assert after == ask(tmp_path, is_remembering=False)


def test_a_file_more_or_renamed_is_seen(tmp_path):
    """Which files there are, and how they are called, is part of the question."""
    (tmp_path / "exams").mkdir()
    write(tmp_path)
    (tmp_path / "exams.yaml").rename(tmp_path / "exams" / "a.yaml")
    ask(tmp_path)
    (tmp_path / "exams" / "a.yaml").rename(tmp_path / "exams" / "b.yaml")
    assert ask(tmp_path).declared.exams[0].declared_at.file == "exams/b.yaml"
    shutil.copy(tmp_path / "exams" / "b.yaml", tmp_path / "exams" / "c.yaml")
    assert ask(tmp_path) == ask(tmp_path, is_remembering=False)


def test_a_change_of_what_is_extended_is_seen(tmp_path):
    """A base that changed, went or became a link makes an answer void."""
    write(tmp_path, more="extends: [_base.yaml]\n")
    base = tmp_path / "_base.yaml"
    for text in (
        "version: 1\nusers: {a: US1234567890abcdef1234567890abcdef}\n",
        "version: 1\ntimezone: UTC\n",
    ):
        base.write_text(text)
        assert ask(tmp_path) == ask(tmp_path) == ask(tmp_path, is_remembering=False)
    base.rename(tmp_path / "other.yaml")
    base.symlink_to("other.yaml")
    assert ask(tmp_path) == ask(tmp_path, is_remembering=False)
    base.unlink()
    assert "unreadable-file" in {found.code for found in ask(tmp_path).diagnostics}


@pytest.mark.parametrize(
    "workspace",
    [
        "rules: {unused-ignore: off}\n",
        "rules: {overlapping-windows: error}\n",
        "environments: {one: {installSid: AIffffffffffffffffffffffffffffffff}}\n",
        "environments: {one: {timezone: Europe/Rome}}\n",
        "environments: {one: {courses: {c: CUffffffffffffffffffffffffffffffff}}}\n",
    ],
)
def test_a_change_of_the_workspace_is_seen(tmp_path, workspace):
    """Rules that weigh otherwise, and what an environment says, are part of the question."""
    write(tmp_path)
    before = ask(tmp_path)
    (tmp_path / "reconciler.yaml").write_text(f"version: 1\n{workspace}")
    assert ask(tmp_path) != before
    assert ask(tmp_path) == ask(tmp_path, is_remembering=False)


def test_the_clock_is_asked_anew(tmp_path, readings):
    """An answer holds until a rule would say something else, to the second."""
    write(tmp_path)
    opening = datetime(2026, 10, 10, 9, tzinfo=UTC)
    moments = [
        NOW,
        NOW + timedelta(days=1),
        opening - timedelta(hours=24),
        opening - timedelta(hours=23, minutes=59),
        opening,
        opening + timedelta(hours=3),
        datetime(2027, 1, 1, tzinfo=UTC),
        NOW,
    ]
    for moment in moments:
        assert ask(tmp_path, now=moment) == ask(tmp_path, now=moment, is_remembering=False)
    assert len(readings) < 2 * len(moments)


def test_strictness_is_not_remembered(tmp_path):
    """`--strict` weighs what is remembered, and is no part of it."""
    write(tmp_path)
    for is_strict in (False, True, False):
        assert ask(tmp_path, is_strict=is_strict) == ask(tmp_path, is_strict=is_strict, is_remembering=False)


def test_a_password_is_not_kept(tmp_path, readings):
    """Manifests with a written-out password leave no trace, and are read anew each time."""
    write(tmp_path, password="correct-horse-battery")
    assert ask(tmp_path) == ask(tmp_path)
    assert len(readings) == 2
    assert not (tmp_path / ".reconciler").exists()


def test_mistakes_are_not_kept(tmp_path, readings):
    """What holds an error is read anew: whether it is mended may hang on more than is known here."""
    write(tmp_path, more="nonsense: 1\n")
    assert ask(tmp_path) == ask(tmp_path)
    assert len(readings) == 2


def test_origins_are_found_anew(tmp_path):
    """`plan --provenance` asks for what is not kept."""
    write(tmp_path)
    scope = Scope(root=tmp_path, may_remember=True)
    workflows.initialise(scope, lock_timeout_s=0)
    workflows.plan(scope, now=NOW)
    assert workflows.plan(scope, now=NOW, tracing=Tracing.ON).origins


async def test_apply_and_import_do_not_ask_it(tmp_path, monkeypatch):
    """What is about to be sent or recorded is read from the files, even where an answer lies ready."""
    write(tmp_path)
    scope = Scope(root=tmp_path, may_remember=True)
    workflows.initialise(scope, lock_timeout_s=0)
    ask(tmp_path)

    def asked(*_: object) -> None:
        pytest.fail("the cache was asked")

    monkeypatch.setattr(Answers, "get", asked)
    workflows.adopt(scope, "c/e0", "EX1234567890abcdef1234567890abcdef", by="me", lock_timeout_s=0)
    sending = Sending(token=lambda: "t", secrets=Secrets(environment={}, directory=None))
    with pytest.raises(workflows.PlanRefused):
        await workflows.apply(scope, sending=sending, confirm=lambda _: False, by="me", max_creates=0)


def test_a_hostile_answer_is_not_believed(tmp_path):
    """An answer that was tampered with gives way to the truth."""
    write(tmp_path)
    truth = ask(tmp_path)
    (file,) = (tmp_path / ".reconciler").glob("*.cache")
    file.write_bytes(file.read_bytes().replace(b"Exam 3", b"Exam 9"))
    assert ask(tmp_path) == truth


def test_another_build_does_not_believe_it(tmp_path, monkeypatch, readings):
    """After an update of the product, or of what it reads with, everything is read anew."""
    write(tmp_path)
    ask(tmp_path)
    monkeypatch.setattr(recollection, "_build", lambda: b"another")
    assert ask(tmp_path) == replace(ask(tmp_path))
    assert len(readings) == 2


@pytest.mark.parametrize(
    "command", [["validate"], ["validate", "--format", "json"], ["plan"], ["plan", "--format", "json"]]
)
def test_a_command_prints_the_same_byte_for_byte(tmp_path, command):
    """Cold, kept and remembered runs of the installed command print one and the same."""
    write(tmp_path, exams=900)
    run = [sys.executable, "-m", "reconciler"]
    subprocess.run([*run, "init"], cwd=tmp_path, check=True, capture_output=True)
    done = [
        subprocess.run(
            [*run, *command, "--now", "2026-09-01T00:00:00Z"],
            cwd=tmp_path,
            capture_output=True,
            check=False,
            env=os.environ | {"RECONCILER_CACHE": cache},
        )
        for cache in ("off", "", "")
    ]
    assert done[0].stdout
    assert len({(each.returncode, each.stdout, each.stderr) for each in done}) == 1
    assert list((tmp_path / ".reconciler").glob("*.cache"))
