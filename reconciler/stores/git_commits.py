"""Commits of a state's branch: their messages, and the temporary repository in which they are made.

All text in a message is put on one line, and the lines of its body are indented. So no name of an exam or a
person can be taken for a trailer. `[skip ci]` keeps pipelines from starting when state changes.

The repository is made when it is needed and removed at the end. It has the one commit that was fetched, and
those that were pushed since. Nothing is checked out, so links, submodules and odd names in a branch never
reach the local disk. Each run holds a flock on its folder; the next run removes folders without one, of
killed runs.
"""

import fcntl
import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache, cached_property
from pathlib import Path
from typing import Final

from msgspec import Struct

from reconciler.model.outside_text import tamed
from reconciler.stores.git_command import Git, head_of
from reconciler.stores.git_errors import reason_of

_LONGEST_TITLE: Final = 120
_LONGEST_LINE: Final = 300
_MOST_LINES: Final = 250
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_PIPELINE_VARIABLES: Final = ("GITHUB_SHA", "CI_COMMIT_SHA")


UNNAMED: Final = "reconciler <reconciler@localhost>"
"""Author of a change if git does not know who runs this."""


def message_of(note: str, *, manifests_commit: str | None) -> str:
    """Return a commit's message: the first line of `note`, its other lines, indented, and a trailer."""
    first, *rest = note.strip().splitlines() or [""]
    title = f"{_one_line(first)[:_LONGEST_TITLE]} [skip ci]"
    body = [f"  {_one_line(line)}".rstrip() for line in rest[:_MOST_LINES]]
    trailer = f"Manifests-Commit: {manifests_commit}" if manifests_commit else ""
    return "\n\n".join(part for part in (title, "\n".join(body).strip("\n"), trailer) if part) + "\n"


@cache
def manifests_commit(root: Path) -> str | None:
    """Return the commit of the manifests: from the pipeline's variables, or the one checked out at `root`."""
    given = next((value for name in _PIPELINE_VARIABLES if (value := os.environ.get(name))), None)
    found = head_of(root) if given is None else given
    return found if found is not None and _COMMIT.fullmatch(found) else None


def _one_line(text: str) -> str:
    return tamed(text, most=_LONGEST_LINE)


_PREFIX: Final = "reconciler-git-"
_LOCAL_TIMEOUT_S: Final = 60.0
_BUILT: Final = "refs/reconciler/built"


class ScratchError(OSError):
    """A local git command failed, or what was fetched is damaged."""


class TreeEntry(Struct, frozen=True, kw_only=True):
    """One file of a commit."""

    path: str
    mode: str
    blob: str
    size_bytes: int


class Scratch:
    """The temporary repository, removed with this object. Methods raise OSError."""

    def __init__(self, *, protocols: str) -> None:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._end = weakref.finalize(self, _remove, folder, self._descriptor)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _tidy(folder.parent)
        self.git = Git(folder, protocols=protocols)
        self.ask("init", "--quiet", "--bare", "--template=")

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
        return tuple(_entry(line) for line in listed.split(b"\0") if line)

    def blobs(self, ids: Sequence[str]) -> list[bytes]:
        """Return the contents of the blobs `ids`."""
        said = self.ask("cat-file", "--batch", given="".join(f"{each}\n" for each in ids).encode())
        return list(_contents(said, ids))

    def ask(self, *arguments: str, given: bytes = b"") -> bytes:
        """Return what `git ARGUMENTS` prints. Raise ScratchError if it fails."""
        result = self.git.run(*arguments, given=given, timeout_s=_LOCAL_TIMEOUT_S)
        if result.code != 0:
            raise ScratchError(f"git {arguments[0]} failed: {reason_of(result.err, code=result.code)}")
        return result.out

    @cached_property
    def _author(self) -> str:
        """Who runs this, as git's settings and variables say."""
        with suppress(ScratchError):
            name, _, email = self.ask("var", "GIT_AUTHOR_IDENT").decode("utf-8", "replace").partition("<")
            return f"{_one_line(name)} <{_one_line(email.partition('>')[0])}>"
        return UNNAMED


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _entry(line: bytes) -> TreeEntry:
    about, _, path = line.partition(b"\t")
    mode, _kind, blob, size = about.decode("ascii").split()
    return TreeEntry(
        path=path.decode("utf-8", "backslashreplace"),
        mode=mode,
        blob=blob,
        size_bytes=0 if size == "-" else int(size),
    )


def _contents(said: bytes, ids: Sequence[str]) -> Iterator[bytes]:
    start = 0
    for each in ids:
        end = said.find(b"\n", start)
        found, _, rest = said[start:end].partition(b" blob ")
        if found.decode() != each or not rest.isdigit():
            raise ScratchError(f"git has no blob {each}")
        start = end + 1 + int(rest) + 1
        yield said[end + 1 : start - 1]


def _remove(folder: Path, descriptor: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(descriptor)


def _tidy(parent: Path) -> None:
    """Remove the folders that killed runs of this user left."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                # A folder without HEAD is new: its owner has not locked it yet.
                if os.fstat(descriptor).st_uid == os.getuid() and (folder / "HEAD").exists():
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)
