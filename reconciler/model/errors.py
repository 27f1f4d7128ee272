"""Failures of operation, under one root. Mistakes in a manifest are diagnostics instead.

    ReconcilerError
    ├── UsageError                 the command line asks for something impossible
    │   └── PackageMissing         it needs a package that is not installed
    ├── ManifestInvalid            manifests hold errors; carries the diagnostics
    ├── StateError                 state could not be used; nothing was changed
    │   ├── StateAbsent            there is none: to be restored, or made by `init`
    │   ├── StateExists            there is one already
    │   ├── StateDamaged           state or log is not what this product wrote
    │   ├── StateTooNew            written by a newer version
    │   ├── StateOutdated          it is older than one that this machine has seen
    │   ├── StateMoved             it is kept elsewhere now, or a move has begun
    │   ├── StateEncrypted         it is encrypted, and no key that was given decrypts it
    │   ├── StateConflict          another run wrote it in the meantime
    │   ├── StateLocked            another run holds the lock
    │   └── StateUnavailable       the store cannot be read or written
    │       └── OutcomeUnknown     a change was perhaps made, or may still be made later
    ├── PlanRefused                a guard refuses the plan; carries the guards
    ├── ExpectationFailed          the plan is not the one that was reviewed
    ├── NotConfirmed               nobody confirmed the plan
    ├── ResolutionRefused          a state edit does not fit the state
    ├── UnlockRefused              the lock is another one, or its holder may still be running
    ├── RecoveryRefused            a recovery file cannot be made, read or fed back
    ├── PushRefused                the pushed or restored state has another history, or forgets something
    ├── SecretsUnavailable         secrets could not be resolved; carries their references, never a value
    └── ApiUnusable                no request can be made to the service
        ├── TokenUnusable          no token, a malformed one, or one that has expired
        └── UrlUnusable            the base URL is not safe to send a token to

`message` says what and where, `hint` what to do next; neither ever holds a secret.
"""

from collections.abc import Sequence
from traceback import walk_tb
from typing import Final

from reconciler.model.diagnostics import Diagnostic
from reconciler.model.plan import Guard

DISTRIBUTION: Final = "exam-reconciler"
"""The name of this package for pip. PyPI's `reconciler` is another."""


class ReconcilerError(Exception):
    """The root of every failure that the product raises on purpose."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ReconcilerError):
    """The command line asks for something impossible."""


class PackageMissing(UsageError):
    """A package that only some need is not installed; `extra` of this distribution brings it."""

    def __init__(self, what: str, error: ImportError, *, extra: str) -> None:
        super().__init__(
            f"{what} needs the package {str(error.name).partition('.')[0]}, which is not installed",
            hint=f"Install it: pip install '{DISTRIBUTION}[{extra}]'.",
        )


class SystemLacking(ReconcilerError):
    """The operating system lacks what a command needs."""


class ManifestInvalid(ReconcilerError):
    """Manifests hold errors, or cannot be used as they are."""

    def __init__(
        self,
        diagnostics: Sequence[Diagnostic],
        message: str = "the manifests hold errors",
        *,
        hint: str = "Mend them; `reconciler validate` lists them all.",
    ) -> None:
        super().__init__(message, hint=hint)
        self.diagnostics = tuple(diagnostics)


class StateError(ReconcilerError):
    """State could not be used. The message names its store, without credentials."""


class StateAbsent(StateError):
    """There is no state; it must not be treated as an empty one."""


class StateExists(StateError):
    """There is a state already."""


class StateDamaged(StateError):
    """State or log is not what this product wrote.

    `snapshot` and `log` are what the store holds even so, and `head` what a change that restores the state
    must name; None if there is none. `log` is None if the store does not tell.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str,
        snapshot: bytes | None = None,
        log: bytes | None = None,
        head: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.snapshot = snapshot
        self.log = log
        self.head = head


class StateTooNew(StateError):
    """State or log was written by a newer version."""


class StateOutdated(StateError):
    """The state is older than one of its lineage that this machine has seen."""


class StateMoved(StateError):
    """The state is kept elsewhere now, or a move has begun; `elsewhere` is the other store's URL."""

    def __init__(self, message: str, *, hint: str, elsewhere: str) -> None:
        super().__init__(message, hint=hint)
        self.elsewhere = elsewhere


class StateEncrypted(StateError):
    """The state is encrypted, and there is no key that decrypts it."""


class StateConflict(StateError):
    """Another run wrote the state in the meantime."""


class StateLocked(StateError):
    """Another run holds the lock; `holder` describes it in one line."""

    def __init__(self, message: str, *, hint: str, holder: str) -> None:
        super().__init__(message, hint=hint)
        self.holder = holder


class StateUnavailable(StateError):
    """The store cannot be read or written; nothing was changed.

    `retry_after_s` is set if another try may succeed: the least seconds to wait before it.
    """

    def __init__(self, message: str, *, hint: str, retry_after_s: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class OutcomeUnknown(StateUnavailable):
    """A change was perhaps made, or may still be made later: load the state to see.

    `retry_after_s` is as above, for that load.
    """


class PlanRefused(ReconcilerError):
    """A guard refuses the plan."""

    def __init__(self, guards: Sequence[Guard]) -> None:
        super().__init__(
            "the plan is not safe to apply", hint="Nothing was sent. Settle what is listed, then plan again."
        )
        self.guards = tuple(guards)


class ExpectationFailed(ReconcilerError):
    """The plan is not the one that was reviewed."""


class NotConfirmed(ReconcilerError):
    """Nobody confirmed the plan."""


class ResolutionRefused(ReconcilerError):
    """An edit (resolve, import, accept …) does not fit the state; `diagnostics` are those of a sheet."""

    def __init__(self, message: str, *, hint: str, diagnostics: Sequence[Diagnostic] = ()) -> None:
        super().__init__(message, hint=hint)
        self.diagnostics = tuple(diagnostics)


class UnlockRefused(ReconcilerError):
    """The lock to break is absent, is another one, or is held by a run that may still be running."""


class RecoveryRefused(ReconcilerError):
    """A recovery file cannot be made, read or fed back."""


class PushRefused(ReconcilerError):
    """The pushed or restored state has another history than the present one, or forgets some of it."""


class SecretsUnavailable(ReconcilerError):
    """Secrets could not be resolved; `references` name them, in order of address."""

    def __init__(self, message: str, *, hint: str, references: Sequence[str]) -> None:
        super().__init__(message, hint=hint)
        self.references = tuple(references)


class ApiUnusable(ReconcilerError):
    """No request can be made to the service."""


class TokenUnusable(ApiUnusable):
    """No token, a malformed one, or one that has expired."""


class UrlUnusable(ApiUnusable):
    """The base URL is not safe to send a token to."""


def class_and_line(error: BaseException) -> str:
    """Return the class of an error that is not of this tree, and the line of code that raised it.

    The error's own text is left out, for it may hold a secret.
    """
    place = ""
    if error.__traceback__ is not None:
        *_, (frame, line) = walk_tb(error.__traceback__)
        place = f" at {frame.f_code.co_filename.rpartition('/')[2]}:{line}"
    return f"{type(error).__name__}{place}"
