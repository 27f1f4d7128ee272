"""State URLs that name a branch of a git repository, as `git+ssh://git@host/exams.git#branch=exam-state`.

Refused here, before anything reaches git's command line: a host, user or path that looks like an option, a
protocol that runs a command, and invalid names of branches and files.
"""

import re
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from msgspec import Struct

from reconciler.model.errors import UsageError
from reconciler.service_url import is_loopback
from reconciler.stores.urls import StateUrl, read_state_url

_OPTIONS: Final = frozenset({"branch", "lock-ref", "path"})
_HINT: Final = "See `reconciler explain stores/git` for its form."
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_LONGEST_NAME: Final = 200
_USER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_PROTOCOLS: Final = {"file": "file", "http": "http", "https": "https:ssh", "ssh": "https:ssh"}
"""The protocols that git may use for each kind of URL.

The user's `url.….insteadOf` may turn https into ssh.
"""


class GitPlace(Struct, frozen=True, kw_only=True):
    """A state in git: `address` for git, full name of the ref `branch`, `path` of the state in the branch.

    `lock` is the ref that was the lock in earlier versions.
    """

    location: str
    address: str
    protocols: str
    branch: str
    lock: str
    path: str

    @property
    def is_on_this_machine(self) -> bool:
        """Whether `address` is a path on this machine."""
        return self.protocols == _PROTOCOLS["file"]

    @property
    def branch_name(self) -> str:
        """Short name of the branch."""
        return self.branch.removeprefix("refs/heads/")


def read_git_url(url: str, *, root: Path) -> GitPlace:
    """Return the place that `url` names, or raise UsageError. A relative path is below `root`."""
    if not url.isprintable() or " " in url:
        raise UsageError("the state URL holds spaces or control characters", hint=_HINT)
    _refuse_user_with_password(url)
    read = read_state_url(url, options=_OPTIONS)
    kind = read.parts.scheme.removeprefix("git+")
    if read.parts.query:
        raise UsageError("the state URL holds a `?`", hint=f"Options follow a #. {_HINT}")
    branch = _name(read, "branch", "exam-state")
    return GitPlace(
        location=url,
        address=_path(read.parts, root) if kind == "file" else _remote(kind, read.parts),
        protocols=_PROTOCOLS[kind],
        branch=f"refs/heads/{branch}",
        lock=_name(read, "lock-ref", f"refs/reconciler/lock/{branch}"),
        path=_name(read, "path", "exams.state.json"),
    )


def _refuse_user_with_password(url: str) -> None:
    """Raise UsageError for a user in an https URL: it is often a token."""
    parts = urlsplit(url)
    if parts.scheme in {"git+http", "git+https"} and "@" in parts.netloc:
        raise UsageError(
            "the state URL names a user",
            hint="Remove it: a user or token there would be seen in logs and process lists. git finds user "
            "and password in its credential helpers; see `reconciler explain stores/git`.",
        )


def _path(parts: SplitResult, root: Path) -> str:
    path = unquote(parts.path)
    if parts.netloc not in {"", "localhost"} or not path or not path.isprintable():
        raise UsageError(
            "the state URL does not name a local repository",
            hint=f"Write it as git+file:///srv/git/exams.git, or git+file:PATH below the workspace. {_HINT}",
        )
    return str((root / path).absolute())


def _remote(kind: str, parts: SplitResult) -> str:
    """Return the URL for git. Raise UsageError if git or ssh could take a part of it for an option."""
    host = parts.hostname or ""
    if not host or host.startswith("-") or parts.path.startswith("/-") or len(parts.path) < len("/r"):
        raise UsageError("the state URL does not name a host and a repository", hint=_HINT)
    if kind == "ssh" and parts.username is not None and not _USER.fullmatch(parts.username):
        raise UsageError(f"the state URL names the user {parts.username!r}", hint=_HINT)
    if kind == "http" and not is_loopback(host):
        raise UsageError(
            f"the state URL asks for http to {host}, which anyone on the way can read and change",
            hint="Write git+https:// or git+ssh://.",
        )
    return f"{kind}://{parts.netloc}{parts.path}"


def _name(read: StateUrl, option: str, default: str) -> str:
    value = read.options.get(option, default)
    pieces = value.split("/")
    if (
        len(value) > _LONGEST_NAME
        or not _NAME.fullmatch(value)
        or ".." in value
        or any(piece.endswith((".", ".lock")) for piece in pieces)
        or value == "HEAD"
        or (option == "lock-ref" and not value.startswith("refs/"))
    ):
        raise UsageError(
            f"the option {option} of the state URL is {value!r}",
            hint="Write a plain name: letters, digits, dots, hyphens and underscores, with / between parts. "
            "A lock-ref begins with refs/.",
        )
    return value
