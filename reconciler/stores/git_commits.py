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
from functools import cache
from pathlib import Path
from typing import Final

from msgspec import Struct

from reconciler.model.outside_text import tamed
from reconciler.ports import LockInfo
from reconciler.stores.git_command import Git, GitResult, head_of

_LONGEST_TITLE: Final = 120
_LONGEST_LINE: Final = 300
_MOST_LINES: Final = 250
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_PIPELINE_VARIABLES: Final = ("GITHUB_SHA", "CI_COMMIT_SHA")


UNNAMED: Final = "reconciler <reconciler@localhost>"
"""Author of a change that is made without the lock."""


def author_of(info: LockInfo) -> str:
    """Return the lock's holder and its host as an author for git."""
    name = re.sub(r"[<>]", "", _one_line(info.who)).strip(" .,:;\"'") or "reconciler"
    host = re.sub(r"[^A-Za-z0-9.-]", "-", info.host)[:_LONGEST_TITLE].strip("-.") or "localhost"
    return f"{name} <reconciler@{host}>"


def message_of(headline: str, note: str, trailers: Mapping[str, str]) -> str:
    """Return a commit's message: a title, the other lines of `note`, indented, and the trailers."""
    first, *rest = note.strip().splitlines() or [""]
    title = ": ".join(part for part in (_one_line(headline), _one_line(first)) if part)
    body = [f"  {_one_line(line)}".rstrip() for line in rest[:_MOST_LINES]]
    ending = [f"{key}: {_one_line(value)}" for key, value in trailers.items()]
    parts = (f"{title[:_LONGEST_TITLE]} [skip ci]", "\n".join(body).strip("\n"), "\n".join(ending))
    return "\n\n".join(part for part in parts if part) + "\n"


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


class ScratchError(Exception):
    """A local git command failed, or what was fetched is damaged."""


class TreeEntry(Struct, frozen=True, kw_only=True):
    """One file of a commit."""

    path: str
    mode: str
    blob: str
    size_bytes: int


class BuiltCommit(Struct, frozen=True, kw_only=True):
    """A new commit, and the blob ids of the files that were written, by path."""

    commit: str
    blobs: Mapping[str, str]


class Scratch:
    """The temporary repository, removed with this object. Methods raise ScratchError and OSError."""

    def __init__(self, *, protocols: str) -> None:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._end = weakref.finalize(self, _remove, folder, self._descriptor)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _tidy(folder.parent)
        self.git = Git(folder, protocols=protocols)
        self._ask("init", "--quiet", "--bare", "--template=")

    def build(
        self,
        parent: str | None,
        puts: Mapping[str, bytes],
        *,
        message: str,
        author: str,
        drops: Sequence[str] = (),
    ) -> BuiltCommit:
        """Make a commit on top of `parent`, or without a parent (None). No ref names it yet.

        First remove the files and folders `drops`, then write the files `puts`.
        """
        said = self._ask(
            "fast-import",
            "--quiet",
            "--force",
            "--done",
            "--date-format=now",
            given=b"".join(_stream(parent, puts, drops, message, author)),
        )
        commit, *listed = said.out.decode("ascii").splitlines()
        return BuiltCommit(commit=commit, blobs=dict(zip(puts, map(_blob_of, listed), strict=True)))

    def resolve(self, ref: str) -> str:
        """Return the commit that the local `ref` names."""
        return self._ask("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").out.decode().strip()

    def entries(self, commit: str) -> tuple[TreeEntry, ...]:
        """Return all files of `commit`, sorted by path."""
        listed = self._ask("ls-tree", "-r", "-z", "-l", "--full-tree", commit).out
        return tuple(_entry(line) for line in listed.split(b"\0") if line)

    def blobs(self, ids: Sequence[str]) -> bytes:
        """Return the contents of the blobs `ids`, joined."""
        if not ids:
            return b""
        said = self._ask("cat-file", "--batch", given="".join(f"{each}\n" for each in ids).encode()).out
        return b"".join(_contents(memoryview(said), ids))

    def _ask(self, *arguments: str, given: bytes = b"") -> GitResult:
        result = self.git.run(*arguments, given=given, timeout_s=_LOCAL_TIMEOUT_S)
        if result.code != 0:
            raise ScratchError(f"git {arguments[0]} failed: {result.err.strip() or result.code}")
        return result


def _stream(
    parent: str | None, puts: Mapping[str, bytes], drops: Sequence[str], message: str, author: str
) -> Iterator[bytes]:
    """Give the input for git fast-import that makes one commit and prints its id and its files' ids."""
    yield f"reset {_BUILT}\ncommit {_BUILT}\nmark :1\n".encode()
    for role in ("author", "committer"):
        yield f"{role} {author} now\n".encode()
    yield _data(message.encode())
    if parent is not None:
        yield f"from {parent}\n".encode()
    for path in drops:
        yield f"D {path}\n".encode()
    for path, content in puts.items():
        yield f"M 100644 inline {path}\n".encode()
        yield _data(content)
    yield b"\nget-mark :1\n"
    for path in puts:
        yield f"ls :1 {path}\n".encode()
    yield b"done\n"


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _blob_of(line: str) -> str:
    return line.split()[2]


def _entry(line: bytes) -> TreeEntry:
    about, _, path = line.partition(b"\t")
    mode, _kind, blob, size = about.decode("ascii").split()
    return TreeEntry(
        path=path.decode("utf-8", "backslashreplace"),
        mode=mode,
        blob=blob,
        size_bytes=0 if size == "-" else int(size),
    )


def _contents(said: memoryview, ids: Sequence[str]) -> Iterator[memoryview]:
    position = 0
    for each in ids:
        end = bytes(said[position : position + 200]).find(b"\n")
        found, _, rest = bytes(said[position : position + end]).partition(b" blob ")
        if found.decode() != each or not rest.isdigit():
            raise ScratchError(f"git has no blob {each}")
        start = position + end + 1
        position = start + int(rest) + 1
        yield said[start : position - 1]


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
