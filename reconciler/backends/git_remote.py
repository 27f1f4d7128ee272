"""The repository elsewhere: fetches from it, looks at its refs, and pushes on conditions.

Each call is between two fault points. What a server refuses for a moment is tried again, which is sound: a
push names the value that each ref has to have, so a second one changes nothing that the first one did not.
"""

import enum
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from reconciler.backends.git_command import Git, Outcome, serving, settings_of
from reconciler.backends.git_complaints import Trouble, trouble_of, trouble_with, unavailable
from reconciler.backends.git_urls import GitPlace
from reconciler.fault_points import Step, reach

_TIMEOUT_S: Final = 120.0
_HOOK: Final = re.compile(r"hook\..*\.command", re.DOTALL)
PAUSES_S: Final = (0.5, 2.0)
"""How long to wait before each further try."""


class Answer(enum.Enum):
    """What became of a push."""

    DONE = "every ref is as asked"
    REFUSED = "nothing was changed"
    UNKNOWN = "it may have been done, or may be yet"


class Update(Struct, frozen=True, kw_only=True):
    """A ref is to become `new` (None: to go) if it is `expected` (None: if there is none)."""

    ref: str
    expected: str | None
    new: str | None


class Pushed(Struct, frozen=True, kw_only=True):
    """The answer to a push, and why it was not done."""

    answer: Answer
    trouble: Trouble


class Remote:
    """The repository at `place`, as `git` reaches it. Raises StateUnavailable."""

    def __init__(self, git: Git, place: GitPlace) -> None:
        self._git = git
        self._place = place
        self._asked_of: list[str] = []
        if place.is_on_this_machine:
            self._asked_of.append(f"--upload-pack={serving('upload-pack')}")
            _refuse_hooks(place)

    def fetch(self, ref: str, *, into: str) -> bool:
        """Whether there is a `ref`; its commit, without its history, is then in the local ref `into`."""
        wanted = f"+{ref}:{into}"
        options = ("--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-auto-gc")
        for pause_s in (0.0, *PAUSES_S, None):
            outcome = self._call(
                "read", "fetch", *options, *self._asked_of, "--", self._place.address, wanted
            )
            if outcome.code == 0:
                return True
            if self.look(ref)[ref] is None:
                return False  # only the repository's own answer counts as "there is none"
            trouble = trouble_of(outcome.err, code=outcome.code)
            if pause_s is None or (pause_s > 0 and not trouble.is_passing):
                break
            time.sleep(pause_s)  # none at first: perhaps the ref was made since
        raise unavailable(self._place, "read", trouble)

    def look(self, *refs: str) -> Mapping[str, str | None]:
        """The ids that `refs` have there; None for one that is not there."""
        packets = self._git.directory / "packets"
        packets.unlink(missing_ok=True)
        words = ("ls-remote", "--quiet", *self._asked_of, "--", self._place.address, *refs)
        for pause_s in (*PAUSES_S, None):
            outcome = self._call("read", *words, variables={"GIT_TRACE_PACKET": str(packets)})
            if outcome.code == 0:
                break
            trouble = trouble_of(outcome.err, code=outcome.code)
            if not trouble.is_passing or pause_s is None:
                raise unavailable(self._place, "read", trouble)
            time.sleep(pause_s)
        if not outcome.out and not _are_of_git(packets):
            trouble = Trouble(reason="what answers there is no git server: perhaps a page of a proxy")
            raise unavailable(self._place, "read", trouble)
        lines = (line.partition("\t") for line in outcome.out.decode("utf-8", "replace").splitlines())
        found = {ref: commit for commit, _, ref in lines}
        return {ref: found.get(ref) for ref in refs}

    def push(
        self,
        *updates: Update,
        settings: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> Pushed:
        """Make all `updates` or none. One that asks for what is there already is only a condition."""
        leases = [f"--force-with-lease={each.ref}:{each.expected or ''}" for each in updates]
        wanted = [f"{each.new or ''}:{each.ref}" for each in updates]
        try:
            outcome = self._ask(
                "push",
                "--porcelain",
                "--atomic",
                *leases,
                *receiving(self._place),
                "--",
                self._place.address,
                *wanted,
                settings=settings,
                variables=variables,
            )
        except OSError as error:
            return Pushed(answer=Answer.UNKNOWN, trouble=trouble_with(error))
        trouble = trouble_of(f"{_refusals(outcome)}\n{outcome.err}", code=outcome.code)
        if outcome.code == 0:
            return Pushed(answer=Answer.DONE, trouble=trouble)
        is_refused = _is_refused(outcome) or "--atomic" in outcome.err
        return Pushed(answer=Answer.REFUSED if is_refused else Answer.UNKNOWN, trouble=trouble)

    def _call(self, verb: str, *arguments: str, variables: Mapping[str, str] | None = None) -> Outcome:
        try:
            return self._ask(*arguments, variables=variables)
        except OSError as error:
            raise unavailable(self._place, verb, trouble_with(error)) from error

    def _ask(
        self,
        *arguments: str,
        settings: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> Outcome:
        reach(Step.STORE_CALL)
        outcome = self._git.run(*arguments, timeout_s=_TIMEOUT_S, settings=settings, variables=variables)
        reach(Step.STORE_CALLED)
        return outcome


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
            raise unavailable(place, "use", Trouble(reason=reason))


def _are_of_git(packets: Path) -> bool:
    """Whether the trace `packets` tells of one that came. To git an empty page is one without refs."""
    with suppress(FileNotFoundError):
        return re.search(r"packet: +\S+< ", packets.read_text(errors="replace")) is not None
    return False


def _refused_lines(outcome: Outcome) -> list[str]:
    """What is said of each ref that was not changed, in the form that `--porcelain` promises."""
    lines = outcome.out.decode("utf-8", "replace").splitlines()
    return [line.rpartition("\t")[2] for line in lines if line.startswith("!\t")]


def _is_refused(outcome: Outcome) -> bool:
    """Whether somebody said no to every ref that was to change; a lost connection says nothing."""
    lines = _refused_lines(outcome)
    return bool(lines) and all(line.startswith(("[rejected]", "[remote rejected]")) for line in lines)


def _refusals(outcome: Outcome) -> str:
    return "\n".join(dict.fromkeys(_refused_lines(outcome)))
