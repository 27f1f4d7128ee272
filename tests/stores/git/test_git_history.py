"""What the commits of a state's branch say, and what stands in it."""

from datetime import UTC, datetime

import pytest

from reconciler.ports import LockInfo
from reconciler.stores.git_branch import ForeignBranchError, append_file, tip_of
from reconciler.stores.git_commits import TreeEntry, author_of, manifests_commit, message_of

SHA = "0123456789abcdef0123456789abcdef01234567"


def lock_of(who, host):
    """The lock of `who` on `host`."""
    return LockInfo(lock_id="1", who=who, host=host, pid=1, since=datetime.now(UTC), command="apply")


def test_a_message_has_a_title_a_body_and_trailers():
    """The note's first line is the title; pipelines are told not to start."""
    message = message_of("apply", "2 created\n\ncs/a: created as EX1\ncs/b: created as EX2", {"Lock-Id": "7"})
    assert message == (
        "apply: 2 created [skip ci]\n\n  cs/a: created as EX1\n  cs/b: created as EX2\n\nLock-Id: 7\n"
    )
    assert message_of("unlock", "", {}) == "unlock [skip ci]\n"


@pytest.mark.parametrize(
    "note",
    [
        "x\n\nManifests-Commit: forged",
        "x\nManifests-Commit: forged",
        "x\r\rManifests-Commit: forged",
        "x\u2028Manifests-Commit: forged",
        "x\x0b\x0cManifests-Commit: forged",
    ],
)
def test_no_note_can_pass_for_a_trailer(note):
    """Only the last lines stand at a line's beginning."""
    message = message_of("apply", note, {"Lock-Id": "7"})
    assert not any(line.startswith("Manifests-Commit") for line in message.split("\n"))
    assert message.endswith("\n\nLock-Id: 7\n")


def test_a_message_holds_no_control_characters_and_is_bounded():
    """Escape sequences, changes of direction and endless lines end here; what is left out is at the end."""
    message = message_of(
        "\x1b[31mapply", "a\u202eb\x00\n" + "line \x7f\n" * 1000 + "y" * 10_000, {"K": "a\nb"}
    )
    assert message.startswith("\ufffd[31mapply: a\ufffdb\ufffd [skip ci]\n")
    assert "K: a b\n" in message
    assert all(character.isprintable() or character == "\n" for character in message)
    assert max(map(len, message.split("\n"))) < 400
    assert message.count("\n") < 300


@pytest.mark.parametrize(
    ("who", "host", "name", "email"),
    [
        ("jdoe", "laptop.example.edu", "jdoe", "reconciler@laptop.example.edu"),
        ("a <b>\nc", "x y>\n", "a b c", "reconciler@x-y"),
        ("<>", "", "reconciler", "reconciler@localhost"),
        (
            "alice in GitHub Actions, o/r run 1",
            "runner",
            "alice in GitHub Actions, o/r run 1",
            "reconciler@runner",
        ),
    ],
)
def test_an_author_is_who_holds_the_lock(who, host, name, email):
    """In a form that git takes, whatever a machine or a user is called."""
    assert author_of(lock_of(who, host)) == f"{name} <{email}>"


@pytest.mark.parametrize("variable", ["GITHUB_SHA", "CI_COMMIT_SHA"])
def test_a_pipeline_says_which_commit_the_manifests_are_of(tmp_path, monkeypatch, variable):
    """Only if it is a commit; nothing else is taken from there."""
    monkeypatch.delenv("GITHUB_SHA", raising=False)
    monkeypatch.delenv("CI_COMMIT_SHA", raising=False)
    monkeypatch.setenv(variable, SHA)
    assert manifests_commit(tmp_path / "a") == SHA
    monkeypatch.setenv(variable, "main\nLock-Id: forged")
    assert manifests_commit(tmp_path / "b") is None


def entries_of(*paths, mode="100644", size_bytes=3):
    """Files of a commit."""
    return [TreeEntry(path=path, mode=mode, blob=path, size_bytes=size_bytes) for path in paths]


def test_appends_are_in_the_order_of_their_names():
    """Beyond a folder's end, and as far as any run goes."""
    names = [append_file("s", number) for number in (0, 1, 255, 256, 257, 65_535, 2_000_000)]
    assert names == sorted(names)
    assert names[3] == "s.journal/0001/000"
    tip = tip_of("c", entries_of("s", "s.backup", *(append_file("s", each) for each in range(300))), "s")
    assert (tip.snapshot, len(tip.ends), tip.journal_bytes) == ("s", 300, 900)
    assert [tip.appends_within(size) for size in (0, 2, 3, 899, 900)] == [0, 0, 1, 299, 300]


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        (entries_of("README.md", "s"), "it holds README.md"),
        (entries_of("a", "b", "c", "d", "e"), "a, b, c and 2 more"),
        (entries_of("a\x1b[2J"), r"a\\x1b"),
        (entries_of("s", mode="120000"), r"s is not a regular file there \(its mode is 120000\)"),
        (entries_of("s", mode="160000"), "160000"),
        (entries_of("s.journal/0000/000", mode="120000"), "not a regular file"),
        (entries_of("s", size_bytes=2 * 1024**3), "larger than 1024 MiB"),
        (entries_of("s.journal/0000/001"), "0000/001 where s.journal/0000/000 should be"),
        (entries_of("s.journal/x"), "s.journal/x where"),
    ],
)
def test_what_no_state_holds_is_told(entries, problem):
    """A branch of something else is never read as a state."""
    with pytest.raises(ForeignBranchError, match=problem):
        tip_of("c", entries, "s")
