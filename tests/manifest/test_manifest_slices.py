"""A text that is parsed in slices, or by other processes, holds what it holds when it is parsed whole."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence as ReadOnlySequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yaml_pieces import ENTRIES, TRICKS, same

from reconciler.manifest import parsing_pool, reading
from reconciler.manifest import yaml_slices as slices
from reconciler.manifest.loading import Reading, declare, gather
from reconciler.manifest.parsing_pool import Pool
from reconciler.manifest.reading import Text, parsed_ahead
from reconciler.manifest.reading_ahead import ReadingAhead
from reconciler.manifest.yaml_nodes import Mapping, Sequence
from reconciler.manifest.yaml_parcels import Parsed, Piece, pack, parse_quietly, unpack
from reconciler.manifest.yaml_slices import cut, is_head
from reconciler.model.environment import Environment

HEAD = "version: 1\ncourses: {a: CU1234567890abcdef1234567890abcdef}\n"
MARKED = ReadingAhead(None)
"""Reads with all marks, and declares nothing."""


def assert_same(one: Parsed | None, other: Parsed | None) -> None:
    """Both are one and the same document, and know the same secrets."""
    assert one is not None
    assert other is not None
    assert same(one.document.root, other.document.root)
    assert one.document.at == other.document.at
    assert one.document.comments == other.document.comments
    assert (one.secrets, one.secret_values) == (other.secrets, other.secret_values)


def joined(text: str, size: int) -> Parsed | None:
    """What slices of `text` give together; None where they cannot be put together."""
    found = cut(text, size)
    if found is None or (head := parse_quietly(found.head)) is None or not is_head(head, found.head.decode()):
        return None
    return slices.joined(head, [parse_quietly(piece.data, piece.by) for piece in found.slices])


def manifest_of(entries: ReadOnlySequence[str]) -> str:
    """A manifest with `entries`, each with a key of its own."""
    return HEAD + "exams:\n" + "".join(entry.format(n=f"e{at}") for at, entry in enumerate(entries))


@given(entries=st.lists(st.sampled_from(ENTRIES), min_size=2, max_size=8), size=st.integers(1, 200))
def test_slices_of_a_right_text_are_the_whole(entries, size):
    """Wherever between its entries a text is cut, values, marks and secrets are those of the whole text."""
    text = manifest_of(entries)
    parts = joined(text, size)
    if parts is not None:
        assert_same(parts, parse_quietly(text.encode()))


@given(entries=st.lists(st.sampled_from(ENTRIES + TRICKS), min_size=2, max_size=8), size=st.integers(1, 120))
@settings(max_examples=400)
def test_what_slices_give_is_never_other_than_the_whole(entries, size):
    """Open quotes, anchors, documents, broken indentation: put together rightly or not at all."""
    text = manifest_of(entries)
    parts = joined(text, size)
    if parts is not None:
        assert_same(parts, parse_quietly(text.encode()))


def test_an_ordinary_text_is_cut():
    """Slices are made where they may be, or the tests above would show nothing."""
    text = manifest_of(ENTRIES[:8] * 3)
    found = cut(text, 100)
    assert found is not None
    assert len(found.slices) > 5
    assert joined(text, 100) is not None


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}exams:\n  a: &x {{b: 1}}\n  c: *x\n",
        f"{HEAD}exams:\n  a: 1\n  a: 2\n",
        f"{HEAD}note: 'x\nexams:\n  a: 1\n  b: 2'\n",
        f"{HEAD}exams:\n  a: 'x\n  b: 2'\n",
    ],
    ids=["anchors", "a key twice", "within quotes", "quotes over a cut"],
)
def test_what_reaches_over_a_cut_is_not_put_together(text):
    """Where a slice by itself means something else, the text is left to be parsed whole."""
    assert cut(text, 1) is not None
    assert joined(text, 1) is None


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}exams:\n  a: 1\n  b: 2\nremoved: []\n",
        f"{HEAD}exams: {{}}\n",
        HEAD,
        f"{HEAD}exams:\n  a: 1\n  <<: {{c: 3}}\n  b: 2\n",
        f"{HEAD}exams:\n  a: 1\n  b: 2  # reconciler: ignore[no-password] on paper\n",
        f"{HEAD}exams:\r\n  a: 1\r\n  b: 2\r\n",
    ],
)
def test_a_text_with_nothing_to_cut_is_left_whole(text):
    """Without a block of entries at the end of the text there is nothing to cut between."""
    assert cut(text, 1) is None


@given(
    entries=st.lists(
        st.sampled_from([*ENTRIES, "  {n}: &{n} {{a: [1]}}\n  {n}b: [*{n}, *{n}]\n"]), max_size=8
    )
)
def test_a_parcel_holds_what_was_packed(entries):
    """Packed and unpacked, a document is what it was, and what was one node in two places is still one."""
    parsed = parse_quietly(manifest_of(entries).encode())
    assert parsed is not None
    again = unpack(pack(parsed))
    assert_same(again, parsed)
    exams = again.document.root["exams"]
    for key in exams if isinstance(exams, Mapping) else ():
        if isinstance(both := exams[key], Sequence) and len(both) == 2:
            assert both[0] is both[1] is exams[key[:-1]]


def test_comments_go_with_a_parcel():
    """Ignores and their reasons arrive with their places."""
    text = "version: 1  # reconciler: ignore[no-password, title-spaces] because\n"
    parsed = parse_quietly(text.encode())
    assert parsed is not None
    assert parsed.document.comments
    assert_same(unpack(pack(parsed)), parsed)


EXAM = """\
  c/e{n}:
    course: c
    title: Exam {n}
    type: Online
    useProctorManager: true
    requireApproval: {approval}
    url: https://lms.example.edu/{n}
    enableAppointmentSuggestions: true
    examDeliverySystemModule: canvas
    configuration: {{examOpenDate: 2031-10-{day}T09:00Z, examCloseDate: 2031-10-{day}T12:00Z, duration: 60}}
"""


def write_many(root: Path, files: int, exams: int) -> None:
    """Manifests with warnings in all of them, and errors in some."""
    (root / "exams").mkdir()
    for file in range(files):
        text = "version: 1\ninstallSid: AI1234567890abcdef1234567890abcdef\n"
        text += "courses: {c: CU1234567890abcdef1234567890abcdef}\nexams:\n"
        for exam in range(exams):
            n = file * exams + exam
            text += EXAM.format(n=n, approval="nope" if n % 50 == 7 else "true", day=f"{n % 28 + 1:02}")
        (root / "exams" / f"f{file:03}.yaml").write_text(text)


@pytest.fixture
def small_batches(monkeypatch):
    """Let processes be started, and files be cut, for much less than where it pays."""
    monkeypatch.setattr(reading, "WORTH_A_PROCESS", 1)
    monkeypatch.setattr(reading, "BATCH", 4_000)


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize(("files", "exams"), [(1, 120), (40, 3), (6, 20)])
def test_several_processes_give_the_same_answer(tmp_path, files, exams):
    """Declarations and findings, with places and excerpts, do not depend on how many processes parse."""
    write_many(tmp_path, files, exams)
    gathered = gather([], tmp_path)
    alone, few, many = (
        declare(gathered, Reading(environment=Environment(), workers=workers)) for workers in (0, 1, 3)
    )
    assert alone == few == many
    assert len(alone.diagnostics) > files


@pytest.mark.usefixtures("small_batches")
def test_workers_do_take_part(tmp_path):
    """What a worker parsed arrives, or the test above would show nothing."""
    write_many(tmp_path, 1, 120)
    texts = gather([], tmp_path).texts
    batches = [[Piece(texts[0].data)]] * 8
    with Pool(batches, 1, MARKED) as pool:
        deadline = time.monotonic() + 60
        while pool._all[0].parcels is None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert pool._all[0].parcels is not None
        assert len(list(pool.results())) == 8


@pytest.mark.usefixtures("small_batches")
def test_a_worker_that_cannot_be_started_is_done_without(tmp_path, monkeypatch):
    """Without an interpreter to start, everything is parsed in this process."""
    write_many(tmp_path, 6, 20)
    gathered = gather([], tmp_path)
    alone = declare(gathered, Reading(environment=Environment()))
    for broken in (str(tmp_path / "no-such-python"), "/bin/false", "/bin/cat"):
        monkeypatch.setattr(sys, "executable", broken)
        assert declare(gathered, Reading(environment=Environment(), workers=2)) == alone


def test_a_worker_that_dies_is_replaced_by_work_here(tmp_path):
    """Batches that a killed worker had begun are parsed here, and come in their order."""
    write_many(tmp_path, 8, 10)
    texts = gather([], tmp_path).texts
    batches = [[Piece(text.data)] for text in texts]
    with Pool(batches, 2, MARKED) as pool:
        for process in pool._processes:
            process.kill()
        parsed = list(pool.results())
    for text, one in zip(texts, parsed, strict=True):
        assert_same(one, parse_quietly(text.data))


def test_what_a_worker_of_another_build_says_is_not_used(tmp_path):
    """After an update in the midst of a run, what cannot be understood is parsed here."""
    write_many(tmp_path, 2, 10)
    batch = parsing_pool._Batch([Piece(text.data) for text in gather([], tmp_path).texts])
    batch.parcels = [("of", "another", "build"), None]
    assert batch.take() == [None, None]


def test_no_worker_is_left(tmp_path):
    """However the work ends, every process that was started is gone."""
    write_many(tmp_path, 8, 10)
    batches = [[Piece(text.data)] for text in gather([], tmp_path).texts]
    pool = Pool(batches, 2, MARKED)

    def interrupted() -> None:
        with pool:
            next(pool.results())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [process.returncode is not None for process in pool._processes] == [True, True]


@pytest.mark.usefixtures("unmeasured")
def test_an_interrupted_command_leaves_no_process(tmp_path):
    """After a ^C, which the whole group of a terminal gets, no worker goes on."""
    write_many(tmp_path, 1, 9_000)
    command = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "validate"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    children = Path(f"/proc/{command.pid}/task/{command.pid}/children")
    deadline = time.monotonic() + 60
    try:
        while not children.read_text():
            assert time.monotonic() < deadline
        os.killpg(command.pid, signal.SIGINT)
        assert command.wait(timeout=60) == 130
    finally:
        command.kill()
        command.wait()
    while _is_there(command.pid):
        assert time.monotonic() < deadline, "a process of the group is still there"
        time.sleep(0.05)


def _is_there(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_small_manifests_start_no_process(tmp_path):
    """Where it does not pay, all is parsed here."""
    write_many(tmp_path, 2, 5)
    texts: list[Text] = list(gather([], tmp_path).texts)
    assert [parsed for _, parsed in parsed_ahead(texts, ReadingAhead(Environment()), workers=4)] == [
        None,
        None,
    ]
    assert "reconciler.manifest.parsing_worker" not in sys.modules
