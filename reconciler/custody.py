"""Custody of state: what is kept beside the store, and how it finds its way back.

Promise: whatever leads an exam's SID back into state passes through a session, under the lock.
May import: `backends`, `statefile`, `model`, `ports`. For `workflows` only.
"""

import enum
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

from reconciler import statefile
from reconciler.backends import open_backend
from reconciler.backends.recovery_file import RecoveryFile, leftovers, make_recovery_file
from reconciler.backends.sealed import SealableBackend
from reconciler.backends.sealed_format import open_document
from reconciler.model.errors import RecoveryRefused, StateError, StateTooNew, UsageError
from reconciler.model.identities import Address
from reconciler.model.state import Mended, State
from reconciler.model.state_keys import StateKeys
from reconciler.ports import LockInfo, StateBackend

if TYPE_CHECKING:
    from reconciler.model.recovery import Fed

Store: TypeAlias = SealableBackend
"""A store whose content may be encrypted."""


class Form(enum.Enum):
    """How a state is to be kept."""

    AS_IT_IS = "encrypted where it is; a new one is plain"
    ENCRYPTED = "encrypted, with the present key"


RECOVERY_FOLDER: Final = Path(".reconciler", "recovery")
"""Where recovery files are, below the workspace's directory, unless a caller says otherwise."""


class Recovery(Struct, frozen=True, kw_only=True):
    """What a run leaves on this machine.

    `file` holds outcomes that the store may not have; None where it has all. `failure` says why some could
    not be kept here, though the store may have them; None where all were. `earlier` are files that earlier
    runs on the same state left, in which something is that state does not have.
    """

    file: Path | None = None
    failure: str | None = None
    earlier: tuple[Path, ...] = ()


class Stray(Struct, frozen=True, kw_only=True):
    """A recovery file of an earlier run that state does not make superfluous; `fed` is what it would mean."""

    path: Path
    fed: "tuple[Fed, ...]"


class Recovered(Struct, frozen=True, kw_only=True):
    """A recovery file fed back: what became of each outcome, and the state with it.

    `mended.backup` is None where state had everything already.
    """

    fed: "tuple[Fed, ...]"
    mended: Mended

    @property
    def is_settled(self) -> bool:
        """Whether state has all of it, and nobody has to look."""
        return all(one.feeding.is_settled for one in self.fed)


def open_store(url: str, *, root: Path, keys: StateKeys) -> SealableBackend:
    """The store that `url` names, opened with `keys` where its content is encrypted."""
    return SealableBackend(open_backend(url, root=root), keys)


def plain_document(document: bytes, *, keys: StateKeys, name: str) -> bytes:
    """`document`, opened if it is an encrypted state or the backup of one; `name` names it in errors."""
    return open_document(document, keys=keys, name=name)


def encrypt(store: SealableBackend, *, lock: LockInfo, timeout_s: float) -> Mended:
    """State and backup are encrypted with the present key, whatever they were before."""
    with statefile.open_session(store, lock=lock, timeout_s=timeout_s) as session:
        store.seal()
        return session.mend(session.state)


def decrypt(store: SealableBackend, *, lock: LockInfo, timeout_s: float) -> Mended:
    """State and backup are plain. Raises UsageError, with nothing changed, where they are already."""
    with statefile.open_session(store, lock=lock, timeout_s=timeout_s) as session:
        if not store.is_sealed():
            raise UsageError(f"{store.location} is not encrypted", hint="There is nothing to do.")
        store.unseal()
        return session.mend(session.state)


def migrate(
    source: Store, target: Store, *, locks: tuple[LockInfo, LockInfo], timeout_s: float, form: Form
) -> State:
    """The state of `source` in `target`, encrypted if `form` says so, or where it was.

    `locks` are for the locks of `source` and of `target`.
    """

    def prepare() -> None:
        if (form is Form.ENCRYPTED or source.is_sealed()) and not target.is_sealed():
            target.seal()

    migration = statefile.Migration(source=source, target=target, source_lock=locks[0], target_lock=locks[1])
    return migration.run(timeout_s=timeout_s, prepare=prepare)


class Keeper:
    """The recovery file of a run, while it sends."""

    def __init__(self, file: RecoveryFile) -> None:
        from reconciler.statefile.recovery import RecoveryJournal  # noqa: PLC0415 - for those who send

        self._file = file
        self._is_durable_elsewhere = False
        self.journal = RecoveryJournal(file)

    def settle(self, trouble: StateError | None) -> Recovery:
        """What stays; `trouble` is why the store's snapshot lacks the outcomes, None where it has them.

        That each append was acknowledged is not enough: a store may lose its last writes with its journal.
        """
        failure = self.journal.failure
        self._is_durable_elsewhere = trouble is None and not self.journal.is_owed
        return Recovery(
            file=self._file.path if self._is_needed else None,
            failure=None if failure is None else failure.strerror or str(failure),
        )

    def end(self) -> None:
        """The file is removed, or left for `state recover` if the store does not have all that is in it."""
        if self._is_needed:
            self._file.close()
        else:
            self._file.discard()

    @property
    def _is_needed(self) -> bool:
        return not (self._is_durable_elsewhere or self.journal.is_empty)


@contextmanager
def keeping(directory: Path, state: State, *, lock: LockInfo, location: str) -> Iterator[Keeper]:
    """A recovery file in `directory` for a run on `state` at `location`, from before its first intent on."""
    header = statefile.encode_recovery_header(state.lineage, state.serial, location=location)
    keeper = Keeper(make_recovery_file(directory, lock.lock_id, header=header, location=location))
    try:
        yield keeper
    finally:
        keeper.end()


def recovery_folder(root: Path) -> Path:
    """The folder of the recovery files of the workspace at `root`.

    Raises RecoveryRefused where a link stands in its place: a pull request may bring one, to have outcomes
    written or read elsewhere.
    """
    for folder in (RECOVERY_FOLDER.parent, RECOVERY_FOLDER):
        if (root / folder).is_symlink():
            raise RecoveryRefused(
                f"{folder} is a link, and outcomes are not kept where a link leads",
                hint="Nothing was sent or changed. Remove the link; a folder is made in its place.",
            )
    return root / RECOVERY_FOLDER


def sweep(directory: Path, state: State) -> tuple[Stray, ...]:
    """The recovery files in `directory` that hold what `state` does not have; those it has are removed.

    `state` is as committed, under its lock. Files of other states, and of runs at work, are left alone.
    """
    from reconciler.model.recovery import Feeding  # noqa: PLC0415 - as above

    with leftovers(directory) as found:
        strays = []
        for leftover in found:
            try:
                outcomes = statefile.decode_recovery(leftover.data, name=str(leftover.path))
            except (statefile.MalformedError, StateTooNew):
                strays.append(Stray(path=leftover.path, fed=()))
                continue
            if outcomes is not None and outcomes.lineage != state.lineage:
                continue
            fed = () if outcomes is None else statefile.feed(state, outcomes.records)[1]
            if all(one.feeding is Feeding.KNOWN for one in fed):
                leftover.remove()
            else:
                strays.append(Stray(path=leftover.path, fed=fed))
        return tuple(strays)


def refuse_strays(strays: Sequence[Stray], creates: Collection[Address]) -> None:
    """Nothing, if none of `creates` was sent by a run whose recovery file says that it may exist.

    That is so only where a store lost what it had acknowledged, or a person was mistaken.
    """
    from reconciler.model.report import Outcome  # noqa: PLC0415 - as above

    for stray in strays:
        for one in stray.fed:
            may_exist = one.outcome != Outcome.FAILED.value and not one.feeding.is_settled
            if may_exist and one.address in creates:
                raise RecoveryRefused(
                    f"{one.address} is to be created, but {stray.path} of an earlier run says that it "
                    f"{one.message}",
                    hint=f"Nothing was sent. {one.hint} Then remove the file.",
                )


def recover(
    backend: StateBackend, document: bytes, *, name: str, lock: LockInfo, timeout_s: float
) -> Recovered:
    """Feed the recovery file `document` back into the state. `name` names it in errors.

    Raises RecoveryRefused, with nothing changed, for one of another state or one that is damaged.
    """
    from reconciler.model.recovery import Feeding  # noqa: PLC0415 - as above

    try:
        outcomes = statefile.decode_recovery(document, name=name)
    except statefile.MalformedError as error:
        raise RecoveryRefused(
            f"{name} is not a recovery file of this tool, or was damaged: {error}",
            hint="Nothing was changed. What can be read of it names addresses and SIDs: settle each with "
            "`reconciler resolve` or `reconciler import`.",
        ) from error
    with statefile.open_session(backend, lock=lock, timeout_s=timeout_s) as session:
        if outcomes is None:
            return Recovered(fed=(), mended=Mended(state=session.state, backup=None))
        if outcomes.lineage != session.state.lineage:
            raise RecoveryRefused(
                f"{name} is of a run on another state: its lineage is {outcomes.lineage}, that of "
                f"{backend.location} is {session.state.lineage}",
                hint="Nothing was changed. Check --state and --env.",
            )
        after, fed = statefile.feed(session.state, outcomes.records)
        if any(one.feeding is Feeding.RECORDED for one in fed):
            return Recovered(fed=fed, mended=session.mend(after))
        return Recovered(fed=fed, mended=Mended(state=session.state, backup=None))
