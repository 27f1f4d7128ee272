"""The remote repository: fetch from it, read its refs, and push on conditions.

A call that failed temporarily is tried again. That is safe: a push names the value that each ref must have,
so a second one changes nothing if the first was done. Before and after each call is a fault point, for tests.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from reconciler.fault_points import Step, reach
from reconciler.stores.git_command import Git, GitResult, serving, settings_of
from reconciler.stores.git_errors import is_passing, reason_in, reason_of, unavailable
from reconciler.stores.git_urls import GitPlace

_TIMEOUT_S: Final = 120.0
_HOOK: Final = re.compile(r"hook\..*\.command", re.DOTALL)


PAUSES_S: Final = (0.5, 2.0)
"""Pauses before the second and the third try of a call."""


class Update(Struct, frozen=True, kw_only=True):
    """Set a ref to `new` (None: delete it) if its value is `expected` (None: if it does not exist)."""

    ref: str
    expected: str | None
    new: str | None


class Remote:
    """The repository at `place`, accessed with `git`. Methods raise StateUnavailable."""

    def __init__(self, git: Git, place: GitPlace) -> None:
        self._git = git
        self._place = place
        self._read_options: list[str] = []
        self.push_options = receiving(place)
        if place.is_on_this_machine:
            self._read_options.append(f"--upload-pack={serving('upload-pack')}")
            _refuse_hooks(place)

    def fetch(self, ref: str, *, into: str) -> bool:
        """Fetch the commit of `ref`, without history, as the local ref `into`; return whether it exists."""
        options = ("--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-auto-gc")
        words = ("fetch", *options, *self._read_options, "--", self._place.address, f"+{ref}:{into}")
        for _ in range(2):  # the ref may be created after the fetch and before `look`
            result = self._read(*words)
            if result.code == 0:
                return True
            if self.look(ref)[ref] is None:
                return False  # a failed fetch alone does not show that the ref does not exist
        raise unavailable(self._place, "read", reason_of(result.err, code=result.code))

    def look(self, *refs: str) -> Mapping[str, str | None]:
        """Return the value of each of `refs`; None for a ref that does not exist."""
        packets = self._git.directory / "packets"
        packets.unlink(missing_ok=True)
        words = ("ls-remote", "--quiet", *self._read_options, "--", self._place.address, *refs)
        result = self._read(*words, variables={"GIT_TRACE_PACKET": str(packets)})
        if result.code != 0:
            raise unavailable(self._place, "read", reason_of(result.err, code=result.code))
        if not result.out and not _has_server_packet(packets):
            reason = "what answers is not a git server: perhaps a proxy or a sign-in page"
            raise unavailable(self._place, "read", reason)
        lines = (line.partition("\t") for line in result.out.decode("utf-8", "replace").splitlines())
        found = {ref: commit for commit, _, ref in lines}
        return {ref: found.get(ref) for ref in refs}

    def move(
        self, verb: str, update: Update, *conditions: Update, look: Callable[[], str | None]
    ) -> str | None:
        """Push `update` if `conditions` hold too, and return the value of its ref after that.

        `look` returns the ref's present value, which shows whether a push with a lost answer was done. Raise
        StateUnavailable if the ref has not changed; the push may then still arrive. `verb` says in that error
        what failed.
        """
        for may_try_again in _tries():
            reason = self.push(update, *conditions)
            if reason is None:
                return update.new
            seen = look()
            if seen != update.expected:
                return seen
            if not (may_try_again and is_passing(reason)):
                break
        raise unavailable(self._place, verb, reason or "")

    def push(
        self,
        *updates: Update,
        settings: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> str | None:
        """Make all `updates` or none. Return None after success, otherwise the reason for the failure.

        An update whose `new` is its `expected` value changes nothing: it is only a condition.
        """
        leases = [f"--force-with-lease={each.ref}:{each.expected or ''}" for each in updates]
        wanted = [f"{each.new or ''}:{each.ref}" for each in updates]
        words = ("push", "--porcelain", "--atomic", *leases, *self.push_options, "--")
        try:
            result = self._ask(*words, self._place.address, *wanted, settings=settings, variables=variables)
        except OSError as error:
            return reason_in(error)
        said = f"{_refusals(result)}\n{result.err}"
        return None if result.code == 0 else reason_of(said, code=result.code)

    def _read(self, *arguments: str, variables: Mapping[str, str] | None = None) -> GitResult:
        """Run a command that only reads; try again after temporary failures."""
        for may_try_again in _tries():
            try:
                result = self._ask(*arguments, variables=variables)
            except OSError as error:
                raise unavailable(self._place, "read", reason_in(error)) from error
            if result.code == 0 or not may_try_again:
                break
            if not is_passing(reason_of(result.err, code=result.code)):
                break
        return result

    def _ask(
        self,
        *arguments: str,
        settings: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> GitResult:
        reach(Step.STORE_CALL)
        result = self._git.run(*arguments, timeout_s=_TIMEOUT_S, settings=settings, variables=variables)
        reach(Step.STORE_CALLED)
        return result


def _tries() -> Iterator[bool]:
    """Yield once for each try of a call: whether another may follow. Pause before each further try."""
    for pause_s in PAUSES_S:
        yield True
        time.sleep(pause_s)
    yield False


def receiving(place: GitPlace) -> list[str]:
    """Return the options for `git push` to `place`; none for another machine."""
    return [f"--receive-pack={serving('receive-pack')}"] if place.is_on_this_machine else []


def _refuse_hooks(place: GitPlace) -> None:
    """Raise StateUnavailable if the repository at `place` defines hooks in its settings.

    git has such hooks since version 2.54, and no option turns all of them off.
    """
    for folder in filter(Path.is_dir, (Path(place.address), Path(f"{place.address}.git"))):
        hooks = sorted(filter(_HOOK.fullmatch, settings_of(folder)))
        if hooks:
            reason = f"its settings define a hook ({hooks[0]}), and no hook of a repository at hand is run"
            raise unavailable(place, "use", reason)


def _has_server_packet(packets: Path) -> bool:
    """Return whether the trace `packets` shows a packet from a git server.

    Only that tells a repository without refs from an empty web page: git reports success for both.
    """
    with suppress(FileNotFoundError):
        return re.search(r"packet: +\S+< ", packets.read_text(errors="replace")) is not None
    return False


def _refusals(result: GitResult) -> str:
    """Return the reason for each ref that was not changed, from the output of `push --porcelain`."""
    lines = result.out.decode("utf-8", "replace").splitlines()
    return "\n".join(dict.fromkeys(line.rpartition("\t")[2] for line in lines if line.startswith("!\t")))
