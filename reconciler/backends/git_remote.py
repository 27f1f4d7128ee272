"""The repository elsewhere: fetches from it, looks at its refs, and pushes on conditions.

Each call is between two fault points. What a server refuses for a moment is tried again, which is sound: a
push names the value that each ref has to have, so a second one changes nothing that the first one did not.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from reconciler.backends.git_command import Git, GitResult, serving, settings_of
from reconciler.backends.git_errors import is_passing, reason_in, reason_of, unavailable
from reconciler.backends.git_urls import GitPlace
from reconciler.fault_points import Step, reach

_TIMEOUT_S: Final = 120.0
_HOOK: Final = re.compile(r"hook\..*\.command", re.DOTALL)


PAUSES_S: Final = (0.5, 2.0)
"""How long to wait before each further try of a call."""


class Update(Struct, frozen=True, kw_only=True):
    """A ref is to become `new` (None: to go) if it is `expected` (None: if there is none)."""

    ref: str
    expected: str | None
    new: str | None


class Remote:
    """The repository at `place`, as `git` reaches it. Raises StateUnavailable."""

    def __init__(self, git: Git, place: GitPlace) -> None:
        self._git = git
        self._place = place
        self._asked_of: list[str] = []
        self.push_options = receiving(place)
        if place.is_on_this_machine:
            self._asked_of.append(f"--upload-pack={serving('upload-pack')}")
            _refuse_hooks(place)

    def fetch(self, ref: str, *, into: str) -> bool:
        """Fetch the commit of `ref`, without history, as the local ref `into`; return whether it exists."""
        options = ("--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-auto-gc")
        words = ("fetch", *options, *self._asked_of, "--", self._place.address, f"+{ref}:{into}")
        for _ in range(2):  # the ref may have been made between the two calls
            result = self._read(*words)
            if result.code == 0:
                return True
            if self.look(ref)[ref] is None:
                return False  # only the repository's own answer counts as "there is none"
        raise unavailable(self._place, "read", reason_of(result.err, code=result.code))

    def look(self, *refs: str) -> Mapping[str, str | None]:
        """The ids that `refs` have there; None for one that is not there."""
        packets = self._git.directory / "packets"
        packets.unlink(missing_ok=True)
        words = ("ls-remote", "--quiet", *self._asked_of, "--", self._place.address, *refs)
        result = self._read(*words, variables={"GIT_TRACE_PACKET": str(packets)})
        if result.code != 0:
            raise unavailable(self._place, "read", reason_of(result.err, code=result.code))
        if not result.out and not _are_of_git(packets):
            reason = "what answers there is no git server: perhaps a page of a proxy"
            raise unavailable(self._place, "read", reason)
        lines = (line.partition("\t") for line in result.out.decode("utf-8", "replace").splitlines())
        found = {ref: commit for commit, _, ref in lines}
        return {ref: found.get(ref) for ref in refs}

    def move(
        self, verb: str, update: Update, *conditions: Update, look: Callable[[], str | None]
    ) -> str | None:
        """Push `update` where `conditions` hold too, and return where its ref is after that.

        `look` tells where it is, which shows whether a push whose answer was lost was done. Raises
        StateUnavailable if the ref stays as it was; a late push may then still arrive.
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
        """Make all `updates` or none, and return why that failed; None if it is done.

        An update that asks for what is there already is only a condition.
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
        """Return the result of a call that changes nothing, tried again where it failed for a moment."""
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
    """Give for each try of a call whether another one may follow, and pause before that one."""
    for pause_s in PAUSES_S:
        yield True
        time.sleep(pause_s)
    yield False


def receiving(place: GitPlace) -> list[str]:
    """What `git push` is told of the other end: nothing, where that is another machine."""
    return [f"--receive-pack={serving('receive-pack')}"] if place.is_on_this_machine else []


def _refuse_hooks(place: GitPlace) -> None:
    """Raise StateUnavailable if the repository at `place` defines hooks in its settings.

    git has these from version 2.54 on, and nothing turns all of them off.
    """
    for folder in filter(Path.is_dir, (Path(place.address), Path(f"{place.address}.git"))):
        hooks = sorted(filter(_HOOK.fullmatch, settings_of(folder)))
        if hooks:
            reason = f"its settings define a hook ({hooks[0]}), and no hook of a repository at hand is run"
            raise unavailable(place, "use", reason)


def _are_of_git(packets: Path) -> bool:
    """Whether the trace `packets` tells of one that came. To git an empty page is one without refs."""
    with suppress(FileNotFoundError):
        return re.search(r"packet: +\S+< ", packets.read_text(errors="replace")) is not None
    return False


def _refusals(result: GitResult) -> str:
    """What is said of each ref that was not changed, in the form that `--porcelain` promises."""
    lines = result.out.decode("utf-8", "replace").splitlines()
    return "\n".join(dict.fromkeys(line.rpartition("\t")[2] for line in lines if line.startswith("!\t")))
