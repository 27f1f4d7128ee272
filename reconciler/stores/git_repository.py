"""A temporary repository: commits are made in it, and the state's branch is fetched to it and pushed from it.

It is made when it is needed and removed at the end. It has what was fetched, and the commits that were made
since. Nothing is checked out, so links, submodules and odd names in a branch never reach the local disk. Each
run holds a flock on its folder; the next run removes folders without one, of killed runs.
"""

import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Final

from msgspec import Struct

from reconciler.durable import require_locks, try_lock
from reconciler.fault_points import Step, reach
from reconciler.model.errors import OutcomeUnknown, StateUnavailable
from reconciler.model.outside_text import tamed
from reconciler.stores.git_command import Git, GitResult, serving, settings_of
from reconciler.stores.git_errors import reason_in, reason_of, unavailable
from reconciler.stores.git_urls import GitPlace
from reconciler.stores.store_errors import conflict

UNNAMED: Final = "reconciler <reconciler@localhost>"
"""Author of a change if git does not know who runs this."""
SEEN: Final = "refs/reconciler/seen"
"""The branch as it was fetched last."""
OLDER_LOCK: Final = "refs/reconciler/older-lock"
"""The lock of a run of an earlier version, if it exists there."""
_BUILT: Final = "refs/reconciler/built"
_PREFIX: Final = "reconciler-git-"
_REMOTE_TIMEOUT_S: Final = 120.0
_LOCAL_TIMEOUT_S: Final = 60.0
_HOOK: Final = re.compile(r"hook\..*\.command", re.DOTALL)
_REFUSED: Final = re.compile(r"^(?:!\t.*\[(?:remote )?rejected\]|=\t)", re.MULTILINE)
"""In what `push --porcelain` prints; `=` says that the branch was at that commit already."""
_SERVER_PACKET: Final = re.compile(r"packet: +\S+< ")
_ENTRY: Final = re.compile(rb"(\d+) \w+ (\w+) +(\d+|-)\t([^\0]+)\0")


class GitFailed(OSError):
    """A local git command failed, or what was fetched is damaged."""


class TreeEntry(Struct, frozen=True, kw_only=True):
    """One file of a commit."""

    path: str
    mode: str
    blob: str
    size_bytes: int


class Repository(Git):
    """The temporary repository for the state at `place`. Methods raise OSError."""

    def __init__(self, place: GitPlace) -> None:
        require_locks("a state in git")
        if place.is_on_this_machine:
            _refuse_hooks(place)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        weakref.finalize(self, _remove, folder, descriptor)
        try_lock(descriptor)
        _tidy(folder.parent)
        super().__init__(folder, protocols=place.protocols)
        self._place = place
        self.ask("init", "--quiet", "--bare", "--template=")

    def fetch(self, *, depth: int = 1) -> Mapping[str, str]:
        """Fetch the last `depth` commits of the branch.

        Return the commits of SEEN and, if it exists, of OLDER_LOCK; nothing if there is no branch.
        """
        branch, lock = self._place.branch, self._place.lock
        # A ref that does not exist is an error. A pattern without a match is none, so the lock is a pattern.
        options = ("--quiet", f"--depth={depth}", "--no-tags", "--prune", "--no-write-fetch-head")
        where = ("--no-auto-gc", *at_hand(self._place, "upload-pack"), "--", self._place.address)
        result = self._reach("fetch", *options, *where, f"+{branch}:{SEEN}", f"+{lock}*:{OLDER_LOCK}*")
        if result.code == 0:
            listed = self.ask("for-each-ref", "--format=%(refname) %(objectname)").decode().split()
            return dict(zip(listed[::2], listed[1::2], strict=True))
        if f"couldn't find remote ref {branch}" not in result.err:
            raise unavailable(self._place, "read", reason_of(result.err, code=result.code))
        if not _SERVER_PACKET.search(self.packets()):  # only this tells an empty repository from a web page
            reason = "what answers is not a git server: perhaps a proxy or a sign-in page"
            raise unavailable(self._place, "read", reason)
        return {}

    def push(self, commit: str, *, at: str | None) -> None:
        """Set the branch to `commit` if it is at the commit `at` (None: if it does not exist).

        Raise StateConflict if it is not, and OutcomeUnknown if the server may have done it or may yet do it.
        """
        place, out = self._place, ""
        lease = f"--force-with-lease={place.branch}:{at or ''}"
        options = ("--porcelain", lease, *at_hand(place, "receive-pack"))
        try:
            result = self._reach("push", *options, "--", place.address, f"{commit}:{place.branch}")
            out = result.out.decode("utf-8", "replace")
            if result.code == 0 and not _REFUSED.search(out):
                return
            reason = reason_of(f"{_refusals(out)}\n{result.err}", code=result.code)
        except OSError as error:
            reason = reason_in(error)
        is_refused = _REFUSED.search(out) is not None
        if is_refused and self.fetch().get(SEEN) != at:
            raise conflict(place.location)
        is_sent = not is_refused and commit in self.packets()
        raise unavailable(place, "write", reason, kind=OutcomeUnknown if is_sent else StateUnavailable)

    def build(
        self, parent: str | None, puts: Mapping[str, bytes], drops: Sequence[str], *, message: str
    ) -> str:
        """Make a commit on top of `parent`, or without a parent (None). Return its id.

        First remove the files and folders `drops`, then write the files `puts`.
        """
        lines = [f"reset {_BUILT}\ncommit {_BUILT}\nmark :1\n".encode()]
        lines += [f"{role} {self._author} now\n".encode() for role in ("author", "committer")]
        lines += [_data(message.encode())]
        lines += [f"from {parent}\n".encode()] if parent is not None else []
        lines += [f"D {path}\n".encode() for path in drops]
        for path, content in puts.items():
            lines += [f"M 100644 inline {path}\n".encode(), _data(content)]
        lines += [b"\nget-mark :1\ndone\n"]
        words = ("fast-import", "--quiet", "--force", "--done", "--date-format=now")
        return self.ask(*words, given=b"".join(lines)).decode("ascii").strip()

    def entries(self, commit: str) -> tuple[TreeEntry, ...]:
        """Return all files of `commit`, sorted by path."""
        listed = self.ask("ls-tree", "-r", "-z", "-l", "--full-tree", commit)
        return tuple(
            TreeEntry(
                path=path.decode("utf-8", "backslashreplace"),
                mode=mode.decode(),
                blob=blob.decode(),
                size_bytes=int(size) if size.isdigit() else 0,
            )
            for mode, blob, size, path in _ENTRY.findall(listed)
        )

    def blobs(self, ids: Sequence[str]) -> list[bytes]:
        """Return the contents of the blobs `ids`."""
        said = self.ask("cat-file", "--batch", given="".join(f"{each}\n" for each in ids).encode())
        return list(_contents(said, ids))

    def ask(self, *arguments: str, given: bytes = b"") -> bytes:
        """Return what `git ARGUMENTS` prints. Raise GitFailed if it fails."""
        result = self.run(*arguments, given=given, timeout_s=_LOCAL_TIMEOUT_S)
        if result.code != 0:
            raise GitFailed(f"git {arguments[0]} failed: {reason_of(result.err, code=result.code)}")
        return result.out

    def _reach(self, *arguments: str) -> GitResult:
        reach(Step.STORE_CALL)
        result = self.run(*arguments, timeout_s=_REMOTE_TIMEOUT_S)
        reach(Step.STORE_CALLED)
        return result

    @cached_property
    def _author(self) -> str:
        """Who runs this, as git's settings and variables say."""
        with suppress(GitFailed):
            name, _, email = self.ask("var", "GIT_AUTHOR_IDENT").decode("utf-8", "replace").partition("<")
            return f"{tamed(name)} <{tamed(email.partition('>')[0])}>"
        return UNNAMED


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _contents(said: bytes, ids: Sequence[str]) -> Iterator[bytes]:
    start = 0
    for each in ids:
        end = said.find(b"\n", start)
        found, _, rest = said[start:end].partition(b" blob ")
        if found.decode() != each or not rest.isdigit():
            raise GitFailed(f"git has no blob {each}")
        start = end + 1 + int(rest) + 1
        yield said[end + 1 : start - 1]


def _remove(folder: Path, descriptor: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(descriptor)


def _tidy(parent: Path) -> None:
    """Remove the folders that killed runs of this user left."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                # A folder without HEAD is new: its owner has not locked it yet.
                is_ours = os.fstat(descriptor).st_uid == os.getuid()
                if is_ours and (folder / "HEAD").exists() and try_lock(descriptor):
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)


def at_hand(place: GitPlace, service: str) -> list[str]:
    """Return the option that runs `service` in isolation if the repository is on this machine."""
    return [f"--{service}={serving(service)}"] if place.is_on_this_machine else []


def _refuse_hooks(place: GitPlace) -> None:
    """Raise StateUnavailable if the repository at `place` defines hooks in its settings.

    git has such hooks since version 2.54, and no option turns all of them off.
    """
    for folder in filter(Path.is_dir, (Path(place.address), Path(f"{place.address}.git"))):
        hooks = sorted(filter(_HOOK.fullmatch, settings_of(folder)))
        if hooks:
            reason = f"its settings define a hook ({hooks[0]}), and no hook of a repository at hand is run"
            raise unavailable(place, "use", reason)


def _refusals(out: str) -> str:
    """Return the reason for each ref that was not changed, from the output of `push --porcelain`."""
    return "\n".join(line.rpartition("\t")[2] for line in out.splitlines() if line.startswith("!\t"))
