"""The executor: takes each request through intent, send and outcome, and says how it ended."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from reconciler.applying.gate import Gate
from reconciler.applying.requests import CreateRequest
from reconciler.applying.stopping import Stopping
from reconciler.fault_points import Step, reach
from reconciler.model.errors import StateUnavailable
from reconciler.model.identities import AttemptId, ExamSid
from reconciler.model.records import CreatedRecord, FailedRecord, InDoubtRecord, IntentRecord
from reconciler.model.report import ExamOutcome, Outcome, Report
from reconciler.model.state import Answer, Intent
from reconciler.model.verdicts import Created, NotSent, Refused, Throttled, Unauthorized, Unknown, Verdict
from reconciler.ports import Clock, ExamApi, Journal, Progress, RetryPolicy

_ABANDONED = Unknown(status=None, reason="the run was stopped before an answer came")


@dataclass(slots=True)
class _Tries:
    """How often one exam was tried, and how long it waited on 429 answers."""

    count: int = 0
    waited_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Again:
    """The exam may be tried again: `reason` says why the last try made nothing."""

    status: int | None
    reason: str


@dataclass(kw_only=True)
class Executor:
    """One run of creates. All that it needs of the world is passed in.

    `new_attempt` names attempts, `jitter` gives a factor from 1 up that spreads waits, `by` says who runs it.
    """

    api: ExamApi
    journal: Journal
    clock: Clock
    retry: RetryPolicy
    progress: Progress
    stopping: Stopping
    parallelism: int
    new_attempt: Callable[[], AttemptId]
    jitter: Callable[[], float]
    by: str
    known_sids: Iterable[ExamSid] = ()
    _gate: Gate = field(init=False)
    _outcomes: list[ExamOutcome] = field(init=False, default_factory=list)
    _halted_because: str | None = field(init=False, default=None)
    _is_unreachable: bool = field(init=False, default=False)
    _taken_sids: set[ExamSid] = field(init=False)

    def __post_init__(self) -> None:
        self._gate = Gate(self.parallelism, self.clock)
        self._taken_sids = set(self.known_sids)

    async def run(self, requests: Sequence[CreateRequest]) -> Report:
        """Send what can be sent and report on every request; every outcome is durable on return."""
        self.stopping.attach(asyncio.get_running_loop())
        self.progress.started(len(requests))
        waiting = deque(requests)
        try:
            async with asyncio.TaskGroup() as workers:
                for _ in range(min(self.parallelism, len(requests))):
                    workers.create_task(self._work(waiting))
        finally:
            self.progress.finished()
        exams = tuple(sorted(self._outcomes, key=lambda exam: exam.address))
        return Report(exams=exams, interrupted_by=self.stopping.signal_number)

    async def _work(self, waiting: deque[CreateRequest]) -> None:
        while waiting:
            outcome = await self._settle(waiting.popleft())
            self._outcomes.append(outcome)
            self.progress.settled(outcome)

    async def _settle(self, request: CreateRequest) -> ExamOutcome:
        tries = _Tries()
        last: _Again | None = None
        while True:
            entered = self._gate.try_enter() or await self.stopping.unless_draining(
                self._enter(), otherwise=False
            )
            if (stop := self._reason_to_stop()) is not None:
                if entered:
                    self._gate.leave()
                return self._left(request, stop, last)
            try:
                ended = await self._try_once(request, tries)
            finally:
                self._gate.leave()
            if isinstance(ended, ExamOutcome):
                return ended
            last = ended

    async def _enter(self) -> bool:
        await self._gate.enter()
        return True

    def _reason_to_stop(self) -> str | None:
        if self.stopping.is_draining:
            return "the run was stopped first"
        return self._halted_because

    def _left(self, request: CreateRequest, stop: str, last: _Again | None) -> ExamOutcome:
        if last is None:
            return _outcome(request, Outcome.NOT_ATTEMPTED, message=stop)
        return _outcome(request, Outcome.FAILED, status=last.status, message=f"{last.reason}; then {stop}")

    async def _try_once(self, request: CreateRequest, tries: _Tries) -> ExamOutcome | _Again:
        tries.count += 1
        attempt = self.new_attempt()
        reach(Step.INTENT_DUE)
        try:
            await self.journal.append(self._intent_record(request, attempt))
        except StateUnavailable as error:
            self._halted_because = f"the journal cannot be written: {error.message}"
            return _outcome(request, Outcome.NOT_ATTEMPTED, message=self._halted_because)
        reach(Step.INTENT_DURABLE)
        verdict = await self._send(request)
        reach(Step.ANSWERED)
        try:
            ended = await self._record(request, attempt, verdict, tries)
        except StateUnavailable as error:
            self._halted_because = f"the journal cannot be written: {error.message}"
            return _unrecorded(request, verdict, error)
        reach(Step.OUTCOME_DURABLE)
        return ended

    def _intent_record(self, request: CreateRequest, attempt: AttemptId) -> IntentRecord:
        declaration = request.declaration
        intent = Intent(
            attempt=attempt,
            digest=declaration.digest,
            install_sid=declaration.install_sid,
            course_sid=declaration.course_sid,
            payload=declaration.payload,
            started_at=self.clock.now(),
            by=self.by,
        )
        return IntentRecord(address=declaration.address, intent=intent)

    async def _send(self, request: CreateRequest) -> Verdict:
        declaration = request.declaration
        sending = self.api.create(
            declaration.install_sid, declaration.course_sid, request.body(), confidential=request.values
        )
        verdict = await self.stopping.unless_abandoned(sending, otherwise=_ABANDONED)
        if isinstance(verdict, Created) and verdict.sid in self._taken_sids:
            reason = f"the answer names {verdict.sid}, which is another exam's"
            return Unknown(status=verdict.status, reason=reason)
        return verdict

    async def _record(
        self, request: CreateRequest, attempt: AttemptId, verdict: Verdict, tries: _Tries
    ) -> ExamOutcome | _Again:
        """Make the verdict durable before anything follows from it."""
        address = request.declaration.address
        match verdict:
            case Created(sid=sid):
                self._taken_sids.add(sid)
                now = self.clock.now()
                await self.journal.append(CreatedRecord(address=address, attempt=attempt, sid=sid, at=now))
                return self._created(request, verdict)
            case Unknown(status=status, reason=reason):
                answer = Answer(status=status, reason=reason)
                await self.journal.append(InDoubtRecord(address=address, attempt=attempt, answer=answer))
                return _outcome(request, Outcome.IN_DOUBT, status=status, message=reason)
            case NotSent() | Throttled() | Refused() | Unauthorized():
                status = _status_of(verdict)
                await self.journal.append(
                    FailedRecord(
                        address=address,
                        attempt=attempt,
                        status=status,
                        reason=verdict.reason,
                        at=self.clock.now(),
                    )
                )
                return self._failed(request, verdict, tries)
            case _:
                assert_never(verdict)

    def _created(self, request: CreateRequest, verdict: Created) -> ExamOutcome:
        self._is_unreachable = False
        self._gate.widen()
        return _outcome(request, Outcome.CREATED, sid=verdict.sid, status=verdict.status, message="created")

    def _failed(
        self, request: CreateRequest, verdict: NotSent | Throttled | Refused | Unauthorized, tries: _Tries
    ) -> ExamOutcome | _Again:
        status = _status_of(verdict)
        self._is_unreachable = self._is_unreachable and isinstance(verdict, NotSent)
        match verdict:
            case NotSent():
                is_to_be_tried_again = self._wait_to_connect(tries, verdict.reason)
            case Throttled():
                is_to_be_tried_again = self._wait_for_room(tries, verdict)
            case Unauthorized():
                self._halted_because = f"the service refused the token ({verdict.reason})"
                is_to_be_tried_again = False
            case Refused():
                is_to_be_tried_again = False
        if is_to_be_tried_again:
            return _Again(status=status, reason=verdict.reason)
        return _outcome(request, Outcome.FAILED, status=status, message=verdict.reason)

    def _wait_to_connect(self, tries: _Tries, reason: str) -> bool:
        """Close the gate before another try; False if there is to be none.

        Once one exam has used up its tries, the others get one each: a service that is down is not worth
        the whole patience for every exam of a term.
        """
        if self._is_unreachable or tries.count >= self.retry.connect_tries:
            self._is_unreachable = True
            return False
        seconds = self.retry.delay_s(tries.count + 1, None, self.clock.now()) * self.jitter()
        if self._gate.hold(seconds):
            self.progress.waiting(seconds, reason)
        return True

    def _wait_for_room(self, tries: _Tries, verdict: Throttled) -> bool:
        """Close the gate as the server asks; False if that would take longer than the budget."""
        seconds = self.retry.delay_s(tries.count + 1, verdict.retry_after, self.clock.now()) * self.jitter()
        tries.waited_s += seconds
        if tries.waited_s > self.retry.throttle_budget_s:
            self._halted_because = f"the service asks to wait longer than this run may ({verdict.reason})"
            return False
        if self._gate.throttle(seconds):
            self.progress.waiting(seconds, verdict.reason)
        return True


def _status_of(verdict: NotSent | Throttled | Refused | Unauthorized) -> int | None:
    match verdict:
        case NotSent():
            return None
        case Throttled():
            return 429
        case Refused(status=status) | Unauthorized(status=status):
            return status


def _unrecorded(request: CreateRequest, verdict: Verdict, error: StateUnavailable) -> ExamOutcome:
    """The outcome is known here and now, but not on disk: only the intent is, so the exam is in doubt."""
    if isinstance(verdict, Created):
        address = request.declaration.address
        message = (
            f"created as {verdict.sid}, but that could not be recorded ({error.message}); "
            f"run: reconciler resolve {address} --sid {verdict.sid}"
        )
        return _outcome(request, Outcome.IN_DOUBT, sid=verdict.sid, status=verdict.status, message=message)
    status = verdict.status if isinstance(verdict, Unknown) else _status_of(verdict)
    message = f"{verdict.reason}; that could not be recorded ({error.message})"
    return _outcome(request, Outcome.IN_DOUBT, status=status, message=message)


def _outcome(
    request: CreateRequest,
    outcome: Outcome,
    *,
    message: str,
    sid: ExamSid | None = None,
    status: int | None = None,
) -> ExamOutcome:
    address = request.declaration.address
    return ExamOutcome(address=address, outcome=outcome, sid=sid, status=status, message=message)
