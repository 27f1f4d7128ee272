"""Recovery files that earlier runs left: which ones state has, lacks, or cannot trust."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from reconciler.durable import read_file
from reconciler.model.commands import command
from reconciler.model.errors import RecoveryRefused, StateTooNew
from reconciler.model.identities import Address
from reconciler.model.records import Record
from reconciler.model.report import Outcome, RecoveredOutcome, RecoveryVerdict
from reconciler.model.state import State
from reconciler.state.feedback import feed
from reconciler.state.recovery_file import read_leftover, recovery_paths
from reconciler.state.recovery_format import decode_recovery
from reconciler.state.strict_json import MalformedError


class UnmergedRecovery(Struct, frozen=True, kw_only=True):
    """A recovery file of an earlier run with outcomes that state lacks; `fed` is the result of a merge.

    `path` is relative to the workspace if it is in it, as commands take it.
    """

    path: Path
    fed: tuple[RecoveredOutcome, ...]


class EarlierRuns(Struct, frozen=True, kw_only=True):
    """Recovery files of one state. `foreign` are those that this machine did not certainly write.

    Anybody may have put a foreign file there, in a pull request for example. So nothing acts on it before a
    person has looked at it.
    """

    unmerged: tuple[UnmergedRecovery, ...] = ()
    foreign: tuple[Path, ...] = ()


def settle_leftovers(folder: Path, state: State, *, root: Path, key: bytes | None) -> EarlierRuns:
    """Remove the recovery files in `folder` of which `state` has everything; return the others.

    `state` is the committed state; hold its lock. `root` is the workspace, `key` that of this machine. Files
    of other states and of active runs are ignored.
    """
    found, known = _sorted(folder, state, root=root, key=key, read=read_leftover)
    for path in known:
        with suppress(OSError):
            path.unlink(missing_ok=True)
    return found


def look_at_leftovers(folder: Path, state: State, *, root: Path, key: bytes | None) -> EarlierRuns:
    """Return what `settle_leftovers` would, and change nothing.

    What a run is writing at the moment counts as left: believe it only while the lock is free.
    """
    return _sorted(folder, state, root=root, key=key, read=read_file)[0]


def refuse_doubtful_creates(creates: Collection[Address], unmerged: Iterable[UnmergedRecovery]) -> None:
    """Raise RecoveryRefused if the recovery file of an earlier run says that one of `creates` may exist.

    This happens only if a store lost an acknowledged write, or if a person resolved a doubt wrongly.
    """
    for earlier in unmerged:
        for one in earlier.fed:
            may_exist = one.outcome != Outcome.FAILED.value and one.verdict is not RecoveryVerdict.KNOWN
            if may_exist and one.address in creates:
                says, hint = one.message, f"{one.hint} Then remove the file."
                if one.verdict is RecoveryVerdict.RECORDED:  # once the file is fed back
                    says = "was sent" if one.sid is None else f"was sent and is {one.sid}"
                    hint = f"To put it into state: {command('state', 'recover', str(earlier.path))}"
                raise RecoveryRefused(
                    f"{one.address} is to be created, but {earlier.path} of an earlier run says that it "
                    f"{says}",
                    hint=f"Nothing was sent. {hint}",
                )


def files_of_location(folder: Path, location: str) -> tuple[Path, ...]:
    """Return the recovery files in `folder` of runs on the state at `location`, whoever wrote them."""
    found = []
    for path in recovery_paths(folder):
        with suppress(OSError, MalformedError, StateTooNew):
            recovery = decode_recovery(read_file(path), name=str(path))
            if recovery is not None and recovery.header.location == location:
                found.append(path)
    return tuple(found)


def _sorted(
    folder: Path, state: State, *, root: Path, key: bytes | None, read: Callable[[Path], bytes]
) -> tuple[EarlierRuns, list[Path]]:
    """Return the recovery files in `folder` that need a person, and those of which `state` has everything."""
    unmerged, foreign, known = [], [], []
    for path, records in _files(folder, state.lineage, key=key, read=read):
        if records is None:
            foreign.append(_shown(path, root))
            continue
        fed = feed(state, records)[1]
        if all(one.verdict is RecoveryVerdict.KNOWN for one in fed):
            known.append(path)
        else:
            unmerged.append(UnmergedRecovery(path=_shown(path, root), fed=fed))
    return EarlierRuns(unmerged=tuple(unmerged), foreign=tuple(foreign)), known


def _shown(path: Path, root: Path) -> Path:
    return path.relative_to(root) if path.is_relative_to(root) else path


def _files(
    folder: Path, lineage: str, *, key: bytes | None, read: Callable[[Path], bytes]
) -> Iterator[tuple[Path, tuple[Record, ...] | None]]:
    """Give the recovery files of the state `lineage` with their records; None for a foreign file."""
    for path in recovery_paths(folder):
        with suppress(OSError):
            try:
                found = decode_recovery(read(path), name="a recovery file", key=key)
            except (MalformedError, StateTooNew):
                yield path, None
                continue
            if found is None:
                yield path, ()
            elif found.header.lineage == lineage:
                yield path, found.records if found.is_ours else None
