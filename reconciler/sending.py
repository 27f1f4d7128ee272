"""The second half of an apply: the last checks, the requests, the recovery file, and the report.

`Workspace.apply` is the first half. httpx and asyncio load with this module.
May import: every room but `cli`, `sandbox` and `manifest`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct, field

from reconciler import service_url
from reconciler.applying.executor import Executor
from reconciler.applying.requests import CreateRequest, resolve_secrets, spaced_secrets
from reconciler.applying.stopping import Stopping
from reconciler.host import SystemClock, jitter, new_attempt
from reconciler.model.destination import TOKEN_VARIABLE, ServiceUrl
from reconciler.model.errors import StateError
from reconciler.model.outside_text import tamed
from reconciler.model.plan import Action, Plan
from reconciler.model.report import Report
from reconciler.model.secret_fingerprints import FingerprintKey
from reconciler.model.state import State
from reconciler.outputs.text.progress import QuietProgress
from reconciler.planning.acceptances import Fingerprints
from reconciler.planning.blocks import AppliedBlocks
from reconciler.planning.effects import apply_state_changes, planned_creates
from reconciler.ports import Progress, SecretSource
from reconciler.secret_sources import present_fingerprints
from reconciler.service.client import HttpExamApi
from reconciler.service.credentials import check_token
from reconciler.service.retry import BackOff
from reconciler.state.earlier_runs import UnmergedRecovery, refuse_doubtful_creates
from reconciler.state.group_commit import GroupCommit
from reconciler.state.recovery_file import RecoveryFile
from reconciler.state.session import Session


class Sending(Struct, frozen=True, kw_only=True):
    """How an apply sends requests.

    `token` is called only if there is something to send. `token_source` names the variable or option that it
    gets the token from.
    """

    token: Callable[[], str]
    token_source: str = TOKEN_VARIABLE
    secrets: SecretSource
    parallelism: int = 10
    timeout_s: float = 30.0
    retry_budget_s: float = 300.0
    is_plain_http_allowed: bool = False


class Recovery(Struct, frozen=True, kw_only=True):
    """Recovery files on this machine after a run.

    `file` holds outcomes that the store may lack; None if the store has all. `failure` says why some outcomes
    could not be written to it; the store may have them. `earlier` are files of earlier runs on the same state
    with outcomes that the state lacks.
    """

    file: Path | None = None
    failure: str | None = None
    earlier: tuple[Path, ...] = ()


class Applied(Struct, frozen=True, kw_only=True):
    """The plan and the result of an apply.

    `state` is as last committed. `backup` is where the state before the state-only changes of the plan is
    kept; None for a plan without any. `trouble` is set if the outcomes are in the log but could not be folded
    into the state; the next command does that.
    """

    plan: Plan
    report: Report
    state: State
    backup: str | None = None
    trouble: StateError | None = None
    recovery: Recovery = field(default_factory=Recovery)


class Run:
    """One apply under the lock. Its constructor makes all checks that need no request, and raises."""

    def __init__(  # noqa: PLR0913 - what is sent, where, and what may prevent it
        self,
        sending: Sending,
        plan: Plan,
        applied: AppliedBlocks,
        *,
        service: ServiceUrl,
        unmerged: Sequence[UnmergedRecovery],
        key: FingerprintKey | None,
    ) -> None:
        self._sending = sending
        self._plan = plan
        self._applied = applied
        self._key = key
        self._earlier = tuple(earlier.path for earlier in unmerged)
        self._creates = planned_creates(plan, applied)
        self._requests: tuple[CreateRequest, ...] = ()
        if self._creates:
            refuse_doubtful_creates({exam.address for exam in self._creates}, unmerged)
            self._url = service_url.check(service, is_plain_http_allowed=sending.is_plain_http_allowed)
            self._token = sending.token()
            check_token(self._token, SystemClock().now(), source=sending.token_source)
            self._requests = resolve_secrets(self._creates, sending.secrets)

    @property
    def spaced_secrets(self) -> tuple[str, ...]:
        """The names of secrets that begin or end with a space, for a warning before anything is sent."""
        return tuple(spaced_secrets(self._requests))

    async def carry_out(
        self,
        session: Session,
        *,
        by: str,
        progress: Progress | None,
        stopping: Stopping | None,
        make_file: Callable[[], RecoveryFile] | None,
    ) -> Applied:
        """Change state as planned, send all requests, and fold every outcome into the state.

        The recovery file that `make_file` makes keeps records until the store has them. It is made before the
        first request. None: the store is on this machine, and needs none.
        """
        progress = progress or QuietProgress()
        progress.planned(self._plan)
        now, by = SystemClock().now(), tamed(by)
        changed = apply_state_changes(
            self._plan, self._applied, now=now, by=by, fingerprints=self._fingerprints()
        )
        file = make_file() if self._creates and make_file is not None else None
        report, trouble, is_stored = Report(exams=()), None, False
        try:
            backup = _change(session, changed, is_last=not self._creates)
            if self._creates:
                report, trouble = await self._send(session, file, progress, stopping or Stopping(), by)
            is_stored = trouble is None
        finally:
            recovery = self._end(file, is_stored=is_stored)
        return Applied(
            plan=self._plan,
            report=report,
            state=session.state,
            backup=backup,
            trouble=trouble,
            recovery=recovery,
        )

    def _fingerprints(self) -> Fingerprints:
        """Return the fingerprints of the secrets of all exams that the plan accepts."""
        exams, entries = self._applied.exams, self._applied.entries
        accepted = [(exams[line.address], entries[line.address]) for line in self._plan.having(Action.ACCEPT)]
        return present_fingerprints(accepted, self._key, self._sending.secrets, new_attempt)

    def _end(self, file: RecoveryFile | None, *, is_stored: bool) -> Recovery:
        """Remove `file` unless it may be needed; return what is left of recovery files.

        Acknowledged appends are not enough: a store may lose its log, and with it the last writes. So the
        file is removed once the snapshot has everything.
        """
        if file is None:
            return Recovery(earlier=self._earlier)
        is_needed = not file.is_empty and (file.is_owed or not is_stored)
        if is_needed:
            file.close()
        else:
            file.discard()
        failure = None if file.failure is None else file.failure.strerror or str(file.failure)
        return Recovery(file=file.path if is_needed else None, failure=failure, earlier=self._earlier)

    async def _send(
        self,
        session: Session,
        file: RecoveryFile | None,
        progress: Progress,
        stopping: Stopping,
        by: str,
    ) -> tuple[Report, StateError | None]:
        """Send all requests, fold every outcome into the state, and release the lock.

        Return also why the outcomes could not be folded; they are in the log or in `file` then.
        """
        clock = SystemClock()
        log = GroupCommit(session, clock=clock, recovery=file)
        stopping.give_up = log.give_up
        try:
            api = HttpExamApi(self._url, self._token, timeout_s=self._sending.timeout_s)
            executor = Executor(
                api=api,
                log=log,
                clock=clock,
                retry=BackOff(budget_s=self._sending.retry_budget_s),
                progress=progress,
                stopping=stopping,
                parallelism=self._sending.parallelism,
                new_attempt=new_attempt,
                jitter=jitter,
                by=by,
                is_ours=session.is_undisturbed,
                service=self._url,
                token_source=self._sending.token_source,
                known_sids=[entry.sid for entry in session.state.exams.values()],
                fingerprint_key=self._key,
            )
            report = await executor.run(self._requests)
        finally:
            trouble = await log.finish()
        return report, trouble


def _change(session: Session, changed: State, *, is_last: bool) -> str | None:
    """Commit `changed` if it differs from the state; return where the old state is kept.

    With `is_last` the lock is released by that.
    """
    if changed == session.state:
        return None
    backup = session.back_up()
    if is_last:
        session.finish(changed)
    else:
        session.commit(changed)
    return backup
