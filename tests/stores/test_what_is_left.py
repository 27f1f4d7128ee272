"""A snapshot that is gone or replaced by hand: each store tells what is left, and where to restore."""

from contextlib import suppress

import pytest
from git_repositories import bare, git, push_files
from memory_bucket import MemoryBucket, Objects

from reconciler.model.errors import StateConflict, StateDamaged
from reconciler.stores.bucket import BucketStore
from reconciler.stores.file import FileStore
from reconciler.stores.git import open_git

LOG = b'00000000 {"number":0,"type":"log"}\n00000000 {"number":1}\n'


class FileCase:
    """A state in a local file."""

    def __init__(self, folder):
        self.path = folder / "state.json"

    def open(self):
        """Another client."""
        return FileStore(self.path, location="file:state.json")

    def lose(self):
        """Remove the snapshot."""
        self.path.unlink()

    def overwrite(self, data):
        """Put another snapshot there by hand."""
        self.path.write_bytes(data)


class BucketCase:
    """A state in a bucket."""

    def __init__(self, _):
        self.objects = Objects()

    def open(self):
        """Another client."""
        return BucketStore(MemoryBucket(self.objects), key="state.json")

    def lose(self):
        """Remove the snapshot."""
        del self.objects.held["state.json"]

    def overwrite(self, data):
        """Put another snapshot there by hand."""
        self.objects.held["state.json"] = (data, self.objects.now)


class GitCase:
    """A state in a git repository."""

    def __init__(self, folder):
        self.folder = bare(folder / "state.git")

    def open(self):
        """Another client."""
        return open_git("git+file:state.git", root=self.folder.parent)

    def lose(self):
        """Remove the snapshot."""
        (path,) = (
            name
            for name in git(self.folder, "ls-tree", "-r", "--name-only", "exam-state").split()
            if ".log" not in name
        )
        push_files(self.folder, "exam-state", {}, drops=[path])


@pytest.fixture(params=[FileCase, BucketCase, GitCase], ids=["file", "bucket", "git"])
def case(request, tmp_path):
    """A state on which a run has begun, and ended without a word."""
    made = request.param(tmp_path)
    store = made.open()
    head = store.replace(b"first\n", b"", at=None)
    made.running, made.head = store, store.append(LOG, at=head)
    return made


def left_of(store):
    """What the store tells when it is read."""
    with pytest.raises(StateDamaged, match=r"(?s).") as caught:
        store.load()
    assert "state restore" in caught.value.hint
    return caught.value


def test_a_state_that_is_gone_leaves_its_log(case):
    """A state can be put there at the head that the store tells, and then all is as it should be."""
    case.lose()
    store = case.open()
    left = left_of(store)
    assert (left.snapshot, left.log) == (None, LOG)
    head = store.replace(b"restored\n", b"", at=left.head)
    found = case.open().load()
    assert (found.snapshot, found.log, found.head) == (b"restored\n", b"", head)


def test_whoever_was_at_work_is_forced_out(case):
    """Its next change finds another head."""
    case.lose()
    store = case.open()
    store.replace(b"restored\n", b"", at=left_of(store).head)
    with pytest.raises(StateConflict):
        case.running.append(b"late\n", at=case.head)
    assert case.open().load().log == b""


def test_a_head_that_has_moved_on_is_refused(case):
    """Of two who restore, one does."""
    case.lose()
    one, other = case.open(), case.open()
    head, same = left_of(one).head, left_of(other).head
    one.replace(b"one\n", b"", at=head)
    with suppress(StateDamaged), pytest.raises(StateConflict):
        other.replace(b"other\n", b"", at=same)
    assert case.open().load().snapshot == b"one\n"


@pytest.mark.parametrize("case", [FileCase, BucketCase], indirect=True, ids=["file", "bucket"])
def test_a_state_that_was_replaced_by_hand_is_told_with_its_log(case):
    """Neither is lost: both can be put together."""
    case.overwrite(b"by hand\n")
    store = case.open()
    left = left_of(store)
    assert (left.snapshot, left.log) == (b"by hand\n", LOG)
    store.replace(b"restored\n", b"", at=left.head)
    assert case.open().load().snapshot == b"restored\n"
