"""What the commits of a state's branch say, and what stands in it."""

from pathlib import Path

import pytest

from reconciler.model.errors import StateUnavailable
from reconciler.stores.git import append_file, tip_of
from reconciler.stores.git_messages import manifests_commit, message_of
from reconciler.stores.git_repository import UNNAMED, Repository, TreeEntry
from reconciler.stores.git_urls import read_git_url

PLACE = read_git_url("git+file:///r.git#path=s", root=Path("/"))
SHA = "0123456789abcdef0123456789abcdef01234567"


def test_a_message_has_a_title_a_body_and_trailers():
    """The note's first line is the title; pipelines are told not to start."""
    note = "apply: 2 created\n\ncs/a: created as EX1\ncs/b: created as EX2"
    title, body, trailer = message_of(note, manifests_commit="7").split("\n\n")
    assert title == "apply: 2 created [skip ci]"
    assert body == "  cs/a: created as EX1\n  cs/b: created as EX2"
    assert trailer == "Manifests-Commit: 7\n"
    assert message_of("unlock", manifests_commit=None) == "unlock [skip ci]\n"


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
    message = message_of(note, manifests_commit="7")
    assert [line for line in message.split("\n") if line.startswith("Manifests")] == ["Manifests-Commit: 7"]
    assert message.endswith("\n\nManifests-Commit: 7\n")


def test_a_message_holds_no_control_characters_and_is_bounded():
    """Escape sequences, changes of direction and endless lines end here; what is left out is at the end."""
    note = "\x1b[31mapply: a\u202eb\x00\n" + "line \x7f\n" * 1000 + "y" * 10_000
    message = message_of(note, manifests_commit=None)
    assert message.startswith("\ufffd[31mapply: a\ufffdb\ufffd [skip ci]\n")
    assert all(character.isprintable() or character == "\n" for character in message)
    assert max(map(len, message.split("\n"))) < 400
    assert message.count("\n") < 300


@pytest.mark.parametrize(
    ("name", "email", "author"),
    [
        ("J. Doe", "jdoe@example.edu", "J. Doe <jdoe@example.edu>"),
        ("a <b>\nc", "x y>\n", "a bc <x y>"),
        ("a\u202eb", "\udcff", "a\ufffdb <\ufffd>"),
        ("", "jdoe@example.edu", UNNAMED),
        ("J. Doe", None, UNNAMED),
    ],
)
def test_an_author_is_whom_git_knows(monkeypatch, name, email, author):
    """In a form that git takes, whatever a machine or a user is called."""
    for variable, value in {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": email}.items():
        if value is not None:
            monkeypatch.setenv(variable, value)
    repository = Repository(PLACE)
    commit = repository.build(None, {}, (), message="x")
    said = repository.ask("log", "-1", "--format=%an <%ae>", commit).decode()
    assert said.strip() == author


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
    assert names[3] == "s.log/0001/000"
    appends = [append_file("s", each) for each in range(300)]
    tip = tip_of("c", entries_of("s", "s.backup", *appends), PLACE)
    assert (tip.commit, tip.has_snapshot, tip.appends, tip.blobs) == ("c", True, 300, ("s", *appends))


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        (entries_of("README.md", "s"), "it holds README.md"),
        (entries_of("a", "b", "c", "d", "e"), "a, b, c and 2 more"),
        (entries_of("a\x1b[2J"), r"a\\x1b"),
        (entries_of("s", mode="120000"), r"s is not a regular file there \(its mode is 120000\)"),
        (entries_of("s", mode="160000"), "160000"),
        (entries_of("s.log/0000/000", mode="120000"), "not a regular file"),
        (entries_of("s", size_bytes=2 * 1024**3), "larger than 1024 MiB"),
        (entries_of("s.log/0000/001"), "s.log/0000/001 where 0000/000 should be"),
        (entries_of("s.journal/0000/000", "s.log/0000/000"), "s.log/0000/000 where 0000/001 should be"),
        (entries_of("s.journal/x"), "s.journal/x where"),
    ],
)
def test_what_no_state_holds_is_told(entries, problem):
    """A branch of something else is never read as a state."""
    with pytest.raises(StateUnavailable, match=problem):
        tip_of("c", entries, PLACE)
