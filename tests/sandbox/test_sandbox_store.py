"""Exams in a file: durable, masked, and one sandbox's at a time."""

import json
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.sandbox import SandboxUnusable, Settings
from reconciler.sandbox.ledger import open_ledger
from reconciler.sandbox.running import running

INSTALL, COURSE = "AI" + "0" * 32, "CU" + "0" * 32


@contextmanager
def file_size_limit(size_bytes: int) -> Iterator[None]:
    """No file of this process may grow beyond `size_bytes`."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_restarted_sandbox_keeps_its_exams(tmp_path: Path, body: dict[str, Any]) -> None:
    """What the first sandbox created the second lists, and adds to."""
    settings = Settings(port=0, store=tmp_path / "exams.jsonl")
    sids = []
    for _ in range(2):
        with running(settings) as sandbox:
            url = f"{sandbox.url}/v1/installs/{INSTALL}/courses/{COURSE}/exams"
            reply = httpx.post(url, json=body, headers={"token": "t"}, trust_env=False)
            sids.append(reply.json()["sid"])
            assert [exam["sid"] for exam in sandbox.created] == sids


def test_password_is_not_stored(tmp_path: Path, body: dict[str, Any]) -> None:
    """The file says that there was a password, never which, and belongs to its owner alone."""
    store = tmp_path / "exams.jsonl"
    with open_ledger(store) as ledger:
        ledger.add(INSTALL, COURSE, body)
    assert "hush-hush" not in store.read_text()
    assert json.loads(store.read_text())["body"]["configuration"]["password"] == "***"
    assert body["configuration"]["password"] == "hush-hush"
    assert stat.S_IMODE(store.stat().st_mode) == 0o600


def test_exam_is_in_the_file_before_the_answer(tmp_path: Path, body: dict[str, Any]) -> None:
    """One line an exam is there when `add` returns."""
    store = tmp_path / "exams.jsonl"
    with open_ledger(store) as ledger:
        for count in (1, 2):
            exam = ledger.add(INSTALL, COURSE, body)
            lines = store.read_text().splitlines()
            assert len(lines) == count
            assert json.loads(lines[-1]) == exam.as_json()


def test_torn_last_line_is_dropped(tmp_path: Path, body: dict[str, Any]) -> None:
    """A line that a crash cut off was never answered; later ones are not glued to it."""
    store = tmp_path / "exams.jsonl"
    with open_ledger(store) as ledger:
        first = ledger.add(INSTALL, COURSE, body)
    with store.open("a") as file:
        file.write('{"sid": "EX')
    with open_ledger(store) as ledger:
        assert ledger.exams == (first,)
        second = ledger.add(INSTALL, COURSE, body)
    with open_ledger(store) as ledger:
        assert ledger.exams == (first, second)


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[]",
        "{}",
        "null",
        '{"sid":1,"applicationInstallSid":"","courseSid":"","createdDate":"","body":{"configuration":{}}}',
        '{"sid": "", "applicationInstallSid": "", "courseSid": "", "createdDate": "", "body": {}}',
        "[" * 100_000,
    ],
)
def test_damaged_line_is_reported_with_its_place(tmp_path: Path, line: str) -> None:
    """A whole line that is no exam stops the sandbox, and its number is said."""
    store = tmp_path / "exams.jsonl"
    store.write_text(f"{line}\n")
    with pytest.raises(SandboxUnusable, match=r"exams\.jsonl:1: not an exam"), open_ledger(store):
        pass
    assert store.read_text() == f"{line}\n"


def test_second_sandbox_is_refused_the_file(tmp_path: Path) -> None:
    """Two sandboxes never share a file; when the first is gone, it is free."""
    store = tmp_path / "exams.jsonl"
    with open_ledger(store), pytest.raises(SandboxUnusable, match="another sandbox"), open_ledger(store):
        pass
    with open_ledger(store) as ledger:
        assert ledger.exams == ()


def test_directory_is_no_store(tmp_path: Path) -> None:
    """A path that cannot be a file is named."""
    with pytest.raises(SandboxUnusable, match="cannot keep exams in"), open_ledger(tmp_path):
        pass


def test_device_is_no_store() -> None:
    """Something that is not a file is refused before it is read."""
    with pytest.raises(SandboxUnusable, match="not a regular file"), open_ledger(Path("/dev/zero")):
        pass


def test_full_disk_leaves_no_half_line(tmp_path: Path, body: dict[str, Any]) -> None:
    """A create that cannot be stored fails, and the file goes on as if it had not been tried."""
    store = tmp_path / "exams.jsonl"
    with open_ledger(store) as ledger:
        first = ledger.add(INSTALL, COURSE, body)
        size_bytes = store.stat().st_size
        with file_size_limit(size_bytes + 10), pytest.raises(OSError, match="space"):
            ledger.add(INSTALL, COURSE, body)
        assert store.stat().st_size == size_bytes
        second = ledger.add(INSTALL, COURSE, body)
        assert ledger.exams == (first, second)


def test_create_on_a_full_disk_is_answered_500(
    tmp_path: Path, body: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """The sandbox never claims an exam that it could not keep, and logs why."""
    with running(Settings(port=0, store=tmp_path / "exams.jsonl")) as sandbox, file_size_limit(10):
        url = f"{sandbox.url}/v1/installs/{INSTALL}/courses/{COURSE}/exams"
        reply = httpx.post(url, json=body, headers={"token": "t"}, trust_env=False)
        assert (reply.status_code, sandbox.created) == (500, [])
    assert "the sandbox failed" in caplog.text
    assert "hush-hush" not in caplog.text
