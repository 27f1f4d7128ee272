"""The executor: takes each request through intent, request and outcome, and reports the results."""

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, ParamSpec, assert_never, cast

from msgspec.structs import replace

from reconciler.applying.gate import Gate, Pause
from reconciler.applying.outcomes import ended, internal_error, try_ended, unrecorded
from reconciler.applying.requests import CreateRequest
from reconciler.applying.stopping import Stopping
from reconciler.applying.turn import Stage, Turn
from reconciler.fault_points import Step, reach
from reconciler.model.destination import TOKEN_VARIABLE
from reconciler.model.errors import StateError
from reconciler.model.identities import AttemptId, CourseSid, ExamSid
from reconciler.model.records import CreatedRecord, FailedRecord, InDoubtRecord, IntentRecord, Record
from reconciler.model.report import ExamOutcome, Outcome, Report, TryBegun
from reconciler.model.sameness import folded
from reconciler.model.secret_fingerprints import FingerprintKey
from reconciler.model.state import Intent, UnclearAnswer
from reconciler.model.verdicts import (
    Created,
    Forbidden,
    NotSent,
    Refused,
    Throttled,
    Unauthorized,
    Unknown,
    Verdict,
)
from reconciler.ports import Clock, ExamApi, Log, Progress, RetryPolicy, Stopwatch

P = ParamSpec("P")

_COURSES_IN_A_ROW = 3
_TOKEN_REFUSED: Final = "the service refused the token"  # noqa: S105 - prose
_FRESH_S: Final = 10.0
_LOCK_IS_GONE: Final = "this run has lost the lock of the state: it was broken, or the state replaced"
_ABANDONED = Unknown(status=None, reason="the run was stopped before an answer came")


@dataclass(kw_only=True)
class Executor:
    """One run of creates, over ports.

    `new_attempt` makes names of attempts, `jitter` returns a factor of 1 or more that spreads waits, `by`
    says who runs it. `is_ours` is asked before each request: it returns False once the lock is certainly
    lost. `service` is the base URL of the requests; the first intent binds the state to it (None: it does
    not). `token_source` is where the token came from, for a message. `known_sids` are the exams in state.
    Without a `fingerprint_key`, the log gets no fingerprints of secrets.

    A fault of this product while one exam is created affects only that exam; the others go on.
    """

    api: ExamApi
    log: Log
    clock: Clock
    retry: RetryPolicy
    progress: Progress
    stopping: Stopping
    parallelism: int
    new_attempt: Callable[[], AttemptId]
    jitter: Callable[[], float]
    by: str
    is_ours: Callable[[], bool]
    service: str | None = None
    token_source: str = TOKEN_VARIABLE
    known_sids: Iterable[ExamSid] = ()
    fingerprint_key: FingerprintKey | None = None
    _gate: Gate = field(init=False)
    _turns: asyncio.TaskGroup = field(init=False)
    _waiting: Iterator[CreateRequest] = field(init=False)
    _outcomes: list[ExamOutcome] = field(init=False, default_factory=list)
    _halted_because: str | None = field(init=False, default=None)
    _fault_in_telling: str | None = field(init=False, default=None)
    _refused_courses: dict[CourseSid, str] = field(init=False, default_factory=dict)
    _refused_in_a_row: set[CourseSid] = field(init=False, default_factory=set)
    _has_created: bool = field(init=False, default=False)
    _is_unreachable: bool = field(init=False, default=False)
    _taken_sids: set[ExamSid] = field(init=False)
    _titles: frozenset[str] = field(init=False, default=frozenset())

    def __post_init__(self) -> None:
        self._gate = Gate(self.parallelism, self.clock, budget_s=self.retry.budget_s)
        self._taken_sids = set(self.known_sids)

    async def run(self, requests: Sequence[CreateRequest]) -> Report:
        """Send `requests` and return a report with an entry for each. All outcomes are then durable."""
        self.stopping.attach(asyncio.get_running_loop())
        self._tell(self.progress.started, len(requests))
        self._waiting = iter(requests)
        self._titles = frozenset(folded(str(each.declaration.payload.get("title"))) for each in requests)
        try:
            async with asyncio.TaskGroup() as self._turns:
                for _ in range(min(self.parallelism, len(requests))):
                    self._begin_next()
        finally:
            self._tell(self.progress.finished)
        exams = tuple(sorted(self._outcomes, key=lambda exam: exam.address))
        return Report(
            exams=exams, interrupted_by=self.stopping.signal_number, fault_in_telling=self._fault_in_telling
        )

    def _tell(self, tell: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Call `tell`. If it fails, the report says so, and no exam is affected."""
        try:
            tell(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - progress is not part of the protocol
            self._fault_in_telling = self._fault_in_telling or internal_error(error)

    def _begin_next(self) -> None:
        if (request := next(self._waiting, None)) is not None:
            self._turns.create_task(self._take_turn(request))

    async def _take_turn(self, request: CreateRequest) -> None:
        turn = Turn(self._gate, self._begin_next)
        try:
            outcome = await self._settle(request, turn)
        except Exception as error:  # noqa: BLE001 - a fault in one turn must not cancel the others
            outcome = self._after_fault(request, turn, internal_error(error))
        self._outcomes.append(outcome)
        self._tell(self.progress.settled, outcome)
        turn.pass_on()

    def _after_fault(self, request: CreateRequest, turn: Turn, fault: str) -> ExamOutcome:
        match turn.stage:
            case Stage.WAITING:
                return ended(request, fault)
            case Stage.SENDING:
                if turn.verdict is None:
                    return ended(request, fault, outcome=Outcome.IN_DOUBT)
                return unrecorded(request, turn.verdict, fault)
            case Stage.RECORDED:
                verdict = cast("Verdict", turn.verdict)
                return ended(request, f"{verdict.reason}; then {fault}", verdict=verdict)
            case _:
                assert_never(turn.stage)

    async def _settle(self, request: CreateRequest, turn: Turn) -> ExamOutcome:
        last: ExamOutcome | None = None
        for number in itertools.count(1):
            if self._gate.try_enter() or await self.stopping.unless_draining(
                self._gate.enter(), otherwise=False
            ):
                turn.entered()
            try:
                if (stop := self._reason_to_stop(request)) is not None:
                    if last is None:
                        return ended(request, stop)
                    return replace(last, message=f"{last.message}; then {stop}")
                turn.stage, turn.verdict = Stage.WAITING, None
                last, is_final = await self._try_once(request, number, turn)
            finally:
                turn.leave()
            if is_final:
                return last
        raise AssertionError

    def _reason_to_stop(self, request: CreateRequest) -> str | None:
        if self.stopping.is_draining:
            return "the run was stopped before this exam was sent"
        return self._halted_because or self._refused_courses.get(request.declaration.course_sid)

    async def _try_once(self, request: CreateRequest, number: int, turn: Turn) -> tuple[ExamOutcome, bool]:
        """Take try `number` of `request` (the first is 1) from its intent to a durable outcome.

        Return its outcome, and whether it is final; otherwise, the exam may be tried again.

        After a success the next exam's turn begins before this outcome is written, so that its intent can
        share the write. The log keeps the two in order.
        """
        attempt = self.new_attempt()
        entered_s = self.clock.monotonic_s()
        reach(Step.INTENT_DUE)
        intent = self._intent_record(request, attempt)
        try:
            age_s = await self.log.append(intent)
        except Exception as error:  # noqa: BLE001 - any fault in the log ends the run, like a failing store
            return ended(request, f"the log cannot be written: {self._halt_without_log(error)}"), True
        turn.stage = Stage.SENDING
        reach(Step.INTENT_DURABLE)
        begun = TryBegun(address=request.declaration.address, attempt=attempt)
        self._tell(self.progress.trying, begun)
        begun_s = self.clock.monotonic_s()
        verdict = turn.verdict = await self._send(request, age_s)
        took_s = self.clock.monotonic_s() - begun_s
        reach(Step.ANSWERED)
        if isinstance(verdict, Created):
            turn.pass_on()
        record = self._record_of(request, attempt, verdict)
        is_final = True
        try:
            await self.log.append(record)
        except Exception as error:  # noqa: BLE001 - as above
            exam = unrecorded(request, verdict, self._halt_without_log(error))
        else:
            turn.stage = Stage.RECORDED
            reach(Step.OUTCOME_DURABLE)
            exam, is_final = self._conclude(request, verdict, number, entered_s)
        self._tell(self.progress.tried, try_ended(begun, verdict, exam, is_final=is_final, took_s=took_s))
        return exam, is_final

    def _halt_without_log(self, error: Exception) -> str:
        """Stop sending new creates, and return the message of `error`."""
        says = error.message if isinstance(error, StateError) else internal_error(error)
        self._halted_because = self._halted_because or f"the log cannot be written: {says}"
        return says

    def _intent_record(self, request: CreateRequest, attempt: AttemptId) -> IntentRecord:
        declaration, key = request.declaration, self.fingerprint_key
        intent = Intent(
            attempt=attempt,
            digest=declaration.digest,
            install_sid=declaration.install_sid,
            course_sid=declaration.course_sid,
            payload=declaration.payload,
            started_at=self.clock.now(),
            by=self.by,
            secrets=key.fingerprints_of(attempt, request.values_by_path) if key and request.values else None,
        )
        return IntentRecord(address=declaration.address, intent=intent, service=self.service)

    async def _send(self, request: CreateRequest, age_s: Stopwatch) -> Verdict:
        declaration = request.declaration
        try:
            sending = self.api.create(
                declaration.install_sid,
                declaration.course_sid,
                request.body(),
                confidential=request.values,
                look=lambda: self._reason_not_to_send(age_s()),
            )
            verdict = await self.stopping.unless_abandoned(sending, otherwise=_ABANDONED)
        except Exception as error:  # noqa: BLE001 - the request may have been sent
            return Unknown(status=None, reason=internal_error(error))
        return self._unless_crossed(verdict) if isinstance(verdict, Created) else verdict

    def _reason_not_to_send(self, age_s: float) -> str | None:
        """Return why an exam must not be sent `age_s` seconds after its intent was written; None if it may.

        If this run was paused, a person may have broken its lock and recorded the exam as absent, and another
        run may have created it.
        """
        if not self.is_ours():
            self._halted_because = _LOCK_IS_GONE
        if self._halted_because is None and age_s > _FRESH_S:
            return (
                f"{age_s:.0f} seconds passed between its intent and its request: the run was paused, or the "
                "store or the network is slow"
            )
        return self._halted_because

    def _unless_crossed(self, verdict: Created) -> Verdict:
        """Return `verdict`, or Unknown if its SID or title belongs to another exam of this run or state.

        A response with the cut title "Quiz 1" is accepted for "Quiz 1b", but not if there is an exam "Quiz
        1": the two responses may have been mixed up.
        """
        if verdict.sid in self._taken_sids:
            reason = f"the answer names {verdict.sid}, which is another exam's"
        elif verdict.cut_title is not None and folded(verdict.cut_title) in self._titles:
            reason = f"the answer names {verdict.sid}, but by the title of another exam"
        else:
            return verdict
        return Unknown(
            status=verdict.status, reason=reason, request_id=verdict.request_id, sids=(verdict.sid,)
        )

    def _record_of(self, request: CreateRequest, attempt: AttemptId, verdict: Verdict) -> Record:
        """Return the record of `verdict`, which must be durable before anything follows from it."""
        address = request.declaration.address
        now = self.clock.now()
        match verdict:
            case Created(sid=sid, configuration_sid=configuration_sid):
                self._taken_sids.add(sid)
                return CreatedRecord(
                    address=address, attempt=attempt, sid=sid, at=now, configuration_sid=configuration_sid
                )
            case Unknown(status=status, reason=reason, request_id=request_id, sids=sids):
                answer = UnclearAnswer(status=status, reason=reason, request_id=request_id, sids=sids)
                return InDoubtRecord(address=address, attempt=attempt, answer=answer)
            case _:
                return FailedRecord(
                    address=address, attempt=attempt, status=verdict.status, reason=verdict.reason, at=now
                )

    def _conclude(
        self, request: CreateRequest, verdict: Verdict, number: int, entered_s: float
    ) -> tuple[ExamOutcome, bool]:
        """Return the outcome of try `number` of its exam, and whether it is final.

        Consequences for other exams, such as a pause, are in force on return.
        """
        self._is_unreachable = self._is_unreachable and isinstance(verdict, NotSent | Unknown)
        if isinstance(verdict, Created | Refused):
            self._refused_in_a_row.clear()
        is_final, message = True, verdict.reason
        if verdict.status == HTTPStatus.UNAUTHORIZED:
            message = self._halt_without_token(verdict)
        match verdict:
            case Created():
                self._has_created = True
                self._gate.succeeded()
            case NotSent():
                is_final = self._halted_because is not None or not self._wait_to_connect(number, verdict)
            case Throttled():
                is_final = not self._wait_for_room(verdict, entered_s)
            case Forbidden():
                self._leave_out_course(request.declaration.course_sid)
                message += f"; the token may create no exam in course {request.declaration.course_sid}"
            case Unknown() | Refused() | Unauthorized():
                pass
            case _:
                assert_never(verdict)
        return ended(request, message, verdict=verdict), is_final

    def _halt_without_token(self, verdict: Verdict) -> str:
        """Stop the run: the service will refuse this token for every exam. Return the message of `verdict`.

        The first one says what to check. The others, which were in flight, are short.
        """
        is_told, self._halted_because = self._halted_because == _TOKEN_REFUSED, _TOKEN_REFUSED
        if not is_told:
            service = self.service or "the service"
            return f"{verdict.reason}; {service} refused the token: check {self.token_source}"
        return _TOKEN_REFUSED if isinstance(verdict, Unauthorized) else verdict.reason

    def _leave_out_course(self, course_sid: CourseSid) -> None:
        """Skip the course from now on. Stop the run after three courses in a row, if nothing was created."""
        self._refused_courses[course_sid] = f"the service refused its course {course_sid} (HTTP 403)"
        self._refused_in_a_row.add(course_sid)
        if len(self._refused_in_a_row) >= _COURSES_IN_A_ROW and not self._has_created:
            self._halted_because = (
                "the service refused three courses in a row (HTTP 403), and created nothing"
            )

    def _wait_to_connect(self, number: int, verdict: NotSent) -> bool:
        """Close the gate before another try; return False if no further try is allowed.

        Once one exam has used up its tries, each other exam gets one try only. Otherwise a run against a
        service that is down would wait again for every exam.
        """
        self._is_unreachable = (
            self._is_unreachable
            or number >= self.retry.connect_tries
            or not self._pause(self.retry.delay_s(number + 1, None, self.clock.now()), verdict.reason)
        )
        return not self._is_unreachable

    def _wait_for_room(self, verdict: Throttled, entered_s: float) -> bool:
        """Slow down, and close the gate as the server asks; return False if that exceeds the retry budget."""
        refusals = self._gate.refused(entered_s=entered_s)
        asked_at = verdict.answered_at or self.clock.now()
        if self._pause(self.retry.delay_s(refusals + 1, verdict.retry_after, asked_at), verdict.reason):
            return True
        self._halted_because = (
            f"the service asks to wait longer than --retry-timeout allows ({verdict.reason})"
        )
        return False

    def _pause(self, delay_s: float, reason: str) -> bool:
        """Close the gate for `delay_s` times the jitter; return False if that exceeds the retry budget."""
        seconds = delay_s * self.jitter()
        pause = self._gate.hold(seconds)
        if pause is Pause.BEGUN:
            self._tell(self.progress.waiting, seconds, reason)
        return pause is not Pause.TOO_LONG
