"""The remote repository: fetch the state's branch, and push to it on a condition.

Before and after each call is a fault point, for tests.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from reconciler.fault_points import Step, reach
from reconciler.model.errors import OutcomeUnknown
from reconciler.stores.git_command import GitResult, serving, settings_of
from reconciler.stores.git_commits import Scratch
from reconciler.stores.git_errors import reason_in, reason_of, unavailable
from reconciler.stores.git_urls import GitPlace
from reconciler.stores.store_errors import conflict

SEEN: Final = "refs/reconciler/seen"
"""The branch as it was fetched last, in the temporary repository."""
OLDER_LOCK: Final = "refs/reconciler/older-lock"
"""The lock of a run of an earlier version, there."""
_TIMEOUT_S: Final = 120.0
_HOOK: Final = re.compile(r"hook\..*\.command", re.DOTALL)
_REFUSED: Final = re.compile(r"!\t.*\[(?:remote )?rejected\]")
_UP_TO_DATE: Final = re.compile(r"^=\t", re.MULTILINE)
_SERVER_PACKET: Final = re.compile(r"packet: +\S+< ")


class Remote:
    """The repository at `place`, accessed from `scratch`. Methods raise StateUnavailable and OSError."""

    def __init__(self, scratch: Scratch, place: GitPlace) -> None:
        self._scratch = scratch
        self._place = place
        self._read_options: list[str] = []
        self._push_options = receiving(place)
        if place.is_on_this_machine:
            self._read_options.append(f"--upload-pack={serving('upload-pack')}")
            _refuse_hooks(place)

    def fetch(self, *, depth: int = 1) -> Mapping[str, str]:
        """Fetch the last `depth` commits of the branch.

        Return the commits of SEEN and, if it exists, of OLDER_LOCK; nothing if there is no branch.
        """
        branch, lock = self._place.branch, self._place.lock
        # A ref that does not exist is an error. A pattern without a match is none, so the lock is a pattern.
        result = self._ask(
            *("fetch", "--quiet", f"--depth={depth}", "--no-tags", "--prune", "--no-write-fetch-head"),
            *("--no-auto-gc", *self._read_options, "--", self._place.address),
            *(f"+{branch}:{SEEN}", f"+{lock}*:{OLDER_LOCK}*"),
        )
        if result.code == 0:
            listed = self._scratch.ask("for-each-ref", "--format=%(refname) %(objectname)").decode().split()
            return dict(zip(listed[::2], listed[1::2], strict=True))
        if f"couldn't find remote ref {branch}" not in result.err:
            raise unavailable(self._place, "read", reason_of(result.err, code=result.code))
        # Only this tells a repository without refs from an empty web page.
        if not _SERVER_PACKET.search(self._scratch.git.packets()):
            raise unavailable(
                self._place, "read", "what answers is not a git server: perhaps a proxy or a sign-in page"
            )
        return {}

    def push(self, commit: str, *, at: str | None) -> None:
        """Set the branch to `commit` if it is at the commit `at` (None: if it does not exist).

        Raise StateConflict if it is not, and OutcomeUnknown if the server may have done it or may yet do it.
        """
        branch = self._place.branch
        code, out = 1, ""
        try:
            result = self._ask(
                *("push", "--porcelain", f"--force-with-lease={branch}:{at or ''}", *self._push_options),
                *("--", self._place.address, f"{commit}:{branch}"),
            )
            code, out = result.code, result.out.decode("utf-8", "replace")
            reason = reason_of(f"{_refusals(out)}\n{result.err}", code=code)
        except OSError as error:
            reason = reason_in(error)
        if code == 0 and not _UP_TO_DATE.search(out):
            return
        if _REFUSED.search(out) is None and code != 0:
            if commit in self._scratch.git.packets():  # the request was sent
                raise unavailable(self._place, "write", reason, kind=OutcomeUnknown)
            raise unavailable(self._place, "write", reason)
        if self.fetch().get(SEEN) != at:
            raise conflict(self._place.location)
        raise unavailable(self._place, "write", reason)

    def _ask(self, *arguments: str) -> GitResult:
        reach(Step.STORE_CALL)
        result = self._scratch.git.run(*arguments, timeout_s=_TIMEOUT_S)
        reach(Step.STORE_CALLED)
        return result


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


def _refusals(out: str) -> str:
    """Return the reason for each ref that was not changed, from the output of `push --porcelain`."""
    return "\n".join(line.rpartition("\t")[2] for line in out.splitlines() if line.startswith("!\t"))
