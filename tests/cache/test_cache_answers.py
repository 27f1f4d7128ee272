"""The cache gives back what this machine put there for the same question, and of anything else nothing."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cache import Answers, Question
from reconciler.cache.answers import MOST_ANSWERS

GIT = shutil.which("git") or "git"
QUESTION = Question.of([b"subject"], [b"content"])
ANSWER = ([("a", 1, {"b": [True, None, 1.5]})], "text", b"bytes")


def kept(root: Path, question: Question = QUESTION, answer: object = ANSWER) -> Path:
    """The folder of a cache at `root` that holds `answer`."""
    root.mkdir(exist_ok=True)
    Answers(root).put(question, answer)
    assert Answers(root).get(question) == answer
    return root / ".reconciler"


def file_of(folder: Path, question: Question = QUESTION) -> Path:
    """Where the answer to `question` is."""
    return folder / question.file


def test_an_answer_comes_back_for_its_question_only(tmp_path):
    """Another content, or another subject, is another question."""
    kept(tmp_path)
    assert Answers(tmp_path).get(Question.of([b"subject"], [b"other"])) is None
    assert Answers(tmp_path).get(Question.of([b"other"], [b"content"])) is None
    assert Answers(tmp_path / "elsewhere").get(QUESTION) is None


def test_parts_of_a_question_do_not_run_into_each_other():
    """Where one part ends and the next begins makes a difference."""
    assert Question.of([], [b"ab", b"c"]) != Question.of([], [b"a", b"bc"])
    assert Question.of([b"a"], [b"b"]) != Question.of([], [b"a", b"b"])


def test_the_last_answer_about_a_subject_is_kept(tmp_path):
    """An edited manifest takes the place of the one before, so that the folder does not grow."""
    kept(tmp_path)
    newer = Question.of([b"subject"], [b"edited"])
    folder = kept(tmp_path, newer, ["new"])
    assert Answers(tmp_path).get(QUESTION) is None
    assert len(list(folder.glob("*.cache"))) == 1


@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_anywhere_makes_it_nothing(tmp_path_factory, where, bit):
    """In the digest, at the start, in the midst or at the end: damage is noticed before decoding."""
    folder = kept(tmp_path_factory.mktemp("flipped"))
    file = file_of(folder)
    data = bytearray(file.read_bytes())
    data[int(where * len(data))] ^= 1 << bit
    file.write_bytes(data)
    assert Answers(folder.parent).get(QUESTION) is None
    assert Answers(kept(folder.parent).parent).get(QUESTION) == ANSWER


@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, -1])
def test_a_truncated_answer_is_nothing(tmp_path, size):
    """A file that was cut off, be it within the digest, is as if it were not there."""
    file = file_of(kept(tmp_path))
    file.write_bytes(file.read_bytes()[:size])
    assert Answers(tmp_path).get(QUESTION) is None


@pytest.mark.parametrize("name", ["key", "seal"])
@pytest.mark.parametrize("data", [b"", b"x" * 32, b"x" * 1000])
def test_a_damaged_key_or_seal_is_nothing(tmp_path, name, data):
    """Without its key an answer is not believed; the next one is written with a new key."""
    folder = kept(tmp_path)
    (folder / name).write_bytes(data)
    assert Answers(tmp_path).get(QUESTION) is None
    kept(tmp_path)


def test_the_cache_of_another_workspace_is_nothing(tmp_path):
    """A copy of a whole folder, key and seal included, was not made here."""
    kept(tmp_path / "one")
    (tmp_path / "two").mkdir()
    shutil.copytree(
        tmp_path / "one" / ".reconciler", tmp_path / "two" / ".reconciler", copy_function=shutil.copy2
    )
    assert Answers(tmp_path / "two").get(QUESTION) is None
    assert Answers(tmp_path / "one").get(QUESTION) == ANSWER


def test_a_committed_cache_is_nothing(tmp_path):
    """What a pull request brings, made with a key that it brings too, is thrown away with its key."""
    for command in (["init", "-q", "."], ["config", "user.email", "a@b.c"], ["config", "user.name", "a"]):
        subprocess.run([GIT, "-C", tmp_path, *command], check=True)
    folder = kept(tmp_path)
    hostile = (folder / "key").read_bytes()
    subprocess.run([GIT, "-C", tmp_path, "add", "-f", ".reconciler"], check=True)
    subprocess.run([GIT, "-C", tmp_path, "commit", "-qm", "poison"], check=True)
    clone = tmp_path / "clone"
    subprocess.run([GIT, "clone", "-q", tmp_path, clone], check=True)
    for name in ("key", "seal"):
        (clone / ".reconciler" / name).chmod(0o600)
    assert (clone / ".reconciler" / "key").read_bytes() == hostile
    assert Answers(clone).get(QUESTION) is None
    Answers(clone).put(Question.of([b"other"], []), "ours")
    assert (clone / ".reconciler" / "key").read_bytes() != hostile
    assert not file_of(clone / ".reconciler").exists()


def test_git_leaves_the_folder_alone(tmp_path):
    """The folder ignores itself."""
    subprocess.run([GIT, "init", "-q", tmp_path], check=True)
    kept(tmp_path)
    status = subprocess.run(
        [GIT, "-C", tmp_path, "status", "--porcelain", "-uall"], capture_output=True, text=True, check=True
    )
    assert status.stdout == ""


def test_a_key_that_others_may_read_is_not_used(tmp_path):
    """Key and answers are for their owner alone; a key with wider rights was not made by us."""
    folder = kept(tmp_path)
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in ("key", "seal", QUESTION.file)} == {
        0o600
    }
    (folder / "key").chmod(0o644)
    assert Answers(tmp_path).get(QUESTION) is None


@pytest.mark.parametrize("name", ["key", "seal", QUESTION.file, ".gitignore"])
def test_links_in_the_folder_lead_nowhere(tmp_path, name):
    """A link planted in a file's place is neither read nor written through."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    folder = tmp_path / ".reconciler"
    folder.mkdir()
    (folder / name).symlink_to(victim)
    Answers(tmp_path).put(QUESTION, ANSWER)
    assert victim.read_bytes() == b"precious"
    assert Answers(tmp_path).get(QUESTION) == ANSWER


def test_a_link_in_the_folders_place_is_not_followed(tmp_path):
    """Where `.reconciler` leads elsewhere, there is no cache."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / ".reconciler").symlink_to(elsewhere)
    Answers(tmp_path).put(QUESTION, ANSWER)
    assert list(elsewhere.iterdir()) == []
    assert Answers(tmp_path).get(QUESTION) is None


@pytest.mark.parametrize("name", ["key", "seal", QUESTION.file])
@pytest.mark.parametrize("kind", ["directory", "pipe"])
def test_odd_things_in_a_files_place_are_nothing(tmp_path, name, kind):
    """A directory or a pipe where a file should be is not waited for, and breaks nothing."""
    folder = kept(tmp_path)
    (folder / name).unlink()
    if kind == "pipe":
        os.mkfifo(folder / name)
    else:
        (folder / name).mkdir()
    assert Answers(tmp_path).get(QUESTION) is None
    Answers(tmp_path).put(QUESTION, ANSWER)


def test_a_file_in_the_folders_place_is_no_cache(tmp_path):
    """Something called `.reconciler` that is no folder is left as it is."""
    (tmp_path / ".reconciler").write_text("mine")
    Answers(tmp_path).put(QUESTION, ANSWER)
    assert Answers(tmp_path).get(QUESTION) is None
    assert (tmp_path / ".reconciler").read_text() == "mine"


def test_a_full_disk_leaves_no_answer_and_no_rest(tmp_path):
    """Where an answer cannot be written whole, there is none, and the half of it is gone."""
    kept(tmp_path, Question.of([b"other"], []), "small")
    code = (
        "import resource, signal, sys, pathlib\n"
        "from reconciler.cache import Answers, Question\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "Answers(pathlib.Path(sys.argv[1])).put(Question.of([b'subject'], [b'content']), 'x' * 100_000)\n"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path], check=True)
    assert Answers(tmp_path).get(QUESTION) is None
    assert list((tmp_path / ".reconciler").glob("*.part")) == []


def test_a_folder_that_cannot_be_made_is_done_without(tmp_path):
    """Below a place where nothing can be made there is no cache, and nothing is said about it."""
    (tmp_path / "file").write_text("")
    for root in (tmp_path / "file", tmp_path / "absent", Path("/proc/1")):
        Answers(root).put(QUESTION, ANSWER)
        assert Answers(root).get(QUESTION) is None


def test_the_folder_is_bounded(tmp_path):
    """Of many answers those that were used last stay."""
    questions = [Question.of([b"%d" % number], []) for number in range(MOST_ANSWERS + 3)]
    for number, question in enumerate(questions):
        Answers(tmp_path).put(question, number)
        os.utime(file_of(tmp_path / ".reconciler", question), ns=(number, number))
    assert Answers(tmp_path).get(questions[3]) == 3
    Answers(tmp_path).put(QUESTION, ANSWER)
    left = {file.name for file in (tmp_path / ".reconciler").glob("*.cache")}
    assert len(left) == MOST_ANSWERS
    assert {QUESTION.file, questions[3].file, questions[-1].file} <= left


def test_what_stopped_runs_left_is_removed(tmp_path):
    """Halves of answers do not gather for ever."""
    folder = kept(tmp_path)
    for number in range(20):
        (folder / f"{number}.part").write_bytes(b"half")
    kept(tmp_path)
    assert len(list(folder.glob("*.part"))) < 10


def test_deleting_it_loses_nothing(tmp_path):
    """The folder may go at any time, between two calls too."""
    shutil.rmtree(kept(tmp_path))
    assert Answers(tmp_path).get(QUESTION) is None
    kept(tmp_path)


def test_parallel_runs_do_not_spoil_it(tmp_path):
    """While several processes write and read, and one deletes, each gets a whole answer or none."""
    code = (
        "import pathlib, shutil, sys\n"
        "from reconciler.cache import Answers, Question\n"
        "root, me = pathlib.Path(sys.argv[1]), int(sys.argv[2])\n"
        "question = Question.of([b'shared'], [])\n"
        "for turn in range(60):\n"
        "    if me == 0 and turn % 10 == 9:\n"
        "        shutil.rmtree(root / '.reconciler', ignore_errors=True)\n"
        "    Answers(root).put(question, ['whole'] * 1000)\n"
        "    assert Answers(root).get(question) in (None, ['whole'] * 1000)\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, tmp_path, str(me)]) for me in range(4)]
    assert [process.wait() for process in running] == [0, 0, 0, 0]
    kept(tmp_path)
