"""The executor: takes each request through intent, send and outcome, and says how it ended."""

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
from reconciler.model.errors import StateUnavailable
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
from reconciler.ports import Clock, ExamApi, Journal, Progress, RetryPolicy

P = ParamSpec("P")

_COURSES_IN_A_ROW = 3
_TOKEN_REFUSED: Final = "the service refused the token"  # noqa: S105 - prose
_ABANDONED = Unknown(status=None, reason="the run was stopped before an answer came")


@dataclass(kw_only=True)
class Executor:
    """One run of creates. All that it needs of the world is passed in.

    `new_attempt` names attempts, `jitter` gives a factor from 1 up that spreads waits, `by` says who runs it.
    `service` is the base URL that requests go to, and that the state is bound to with the first intent; None
    where it is not to be. `marking_key` is None where the values of secrets are not to be tracked.

    A fault of this product in one exam's turn is that exam's alone: it ends as surely as is known, and the
    others go on.
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
    service: str | None = None
    known_sids: Iterable[ExamSid] = ()
    marking_key: FingerprintKey | None = None
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
        """Send what can be sent and report on every request; every outcome is durable on return."""
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
        """Call `tell`; the report says what goes wrong in it, which changes nothing for any exam."""
        try:
            tell(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whoever listens is not part of the protocol
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

        Return how it ended, and whether that is final; else the exam may be tried again.

        After a create that made its exam nothing is to be learned for the next one. Its turn comes at once,
        so that its intent shares the write of this outcome: the journal keeps the order of the two.
        """
        attempt = self.new_attempt()
        entered_s = self.clock.monotonic_s()
        reach(Step.INTENT_DUE)
        intent = self._intent_record(request, attempt)
        try:
            await self.journal.append(intent)
        except Exception as error:  # noqa: BLE001 - a fault in the journal ends the run as a store that fails does
            return ended(request, f"the journal cannot be written: {self._halt_without_journal(error)}"), True
        turn.stage = Stage.SENDING
        reach(Step.INTENT_DURABLE)
        begun = TryBegun(address=request.declaration.address, attempt=attempt)
        self._tell(self.progress.trying, begun)
        begun_s = self.clock.monotonic_s()
        verdict = turn.verdict = await self._send(request)
        took_s = self.clock.monotonic_s() - begun_s
        reach(Step.ANSWERED)
        if isinstance(verdict, Created):
            turn.pass_on()
        record = self._record_of(request, attempt, verdict)
        is_final = True
        try:
            await self.journal.append(record)
        except Exception as error:  # noqa: BLE001 - as above
            exam = unrecorded(request, verdict, self._halt_without_journal(error))
        else:
            turn.stage = Stage.RECORDED
            reach(Step.OUTCOME_DURABLE)
            exam, is_final = self._conclude(request, verdict, number, entered_s)
        self._tell(self.progress.tried, try_ended(begun, verdict, exam, is_final=is_final, took_s=took_s))
        return exam, is_final

    def _halt_without_journal(self, error: Exception) -> str:
        """Send nothing more, and return what `error` says."""
        says = error.message if isinstance(error, StateUnavailable) else internal_error(error)
        self._halted_because = f"the journal cannot be written: {says}"
        return says

    def _intent_record(self, request: CreateRequest, attempt: AttemptId) -> IntentRecord:
        declaration, key = request.declaration, self.marking_key
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

    async def _send(self, request: CreateRequest) -> Verdict:
        declaration = request.declaration
        try:
            sending = self.api.create(
                declaration.install_sid, declaration.course_sid, request.body(), confidential=request.values
            )
            verdict = await self.stopping.unless_abandoned(sending, otherwise=_ABANDONED)
        except Exception as error:  # noqa: BLE001 - how far it came cannot be known
            return Unknown(status=None, reason=internal_error(error))
        return self._unless_crossed(verdict) if isinstance(verdict, Created) else verdict

    def _unless_crossed(self, verdict: Created) -> Verdict:
        """Return `verdict`; or, where SID or title are those of another exam, that nothing is known.

        "Quiz 1" may be what is left of "Quiz 1b", unless there is a "Quiz 1": two answers may have been
        crossed on the way.
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
        """Return what is to be durable before anything follows from the verdict."""
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
        """Return what follows for its exam from the verdict of try `number`, and whether that is final.

        What follows for the run is in force on return.
        """
        self._is_unreachable = self._is_unreachable and isinstance(verdict, NotSent | Unknown)
        if verdict.status == HTTPStatus.UNAUTHORIZED:
            # In doubt or not, a refused token will be refused to every other exam as well.
            self._halted_because = _TOKEN_REFUSED
        if isinstance(verdict, Created | Refused):
            self._refused_in_a_row.clear()
        is_final, why = True, ""
        match verdict:
            case Created():
                self._has_created = True
                self._gate.succeeded()
            case NotSent():
                is_final = not self._wait_to_connect(number, verdict)
            case Throttled():
                is_final = not self._wait_for_room(verdict, entered_s)
            case Unauthorized():
                why = f"; {self.service or 'the service'} refused the token: check SMARTERPROCTORING_TOKEN"
            case Forbidden():
                self._leave_out_course(request.declaration.course_sid)
                why = f"; the token may create no exam in course {request.declaration.course_sid}"
            case Unknown() | Refused():
                pass
            case _:
                assert_never(verdict)
        return ended(request, verdict.reason + why, verdict=verdict), is_final

    def _leave_out_course(self, course_sid: CourseSid) -> None:
        """Send no more of this course, and nothing any more if it is the third one and none was created."""
        self._refused_courses[course_sid] = f"the service refused its course {course_sid} (HTTP 403)"
        self._refused_in_a_row.add(course_sid)
        if len(self._refused_in_a_row) >= _COURSES_IN_A_ROW and not self._has_created:
            self._halted_because = (
                "the service refused three courses in a row (HTTP 403), and created nothing"
            )

    def _wait_to_connect(self, number: int, verdict: NotSent) -> bool:
        """Close the gate before another try; False if there is to be none.

        Once one exam has used up its tries, the others get one each: a service that is down is not worth
        the whole patience for every exam of a term.
        """
        self._is_unreachable = (
            self._is_unreachable
            or number >= self.retry.connect_tries
            or not self._pause(self.retry.delay_s(number + 1, None, self.clock.now()), verdict.reason)
        )
        return not self._is_unreachable

    def _wait_for_room(self, verdict: Throttled, entered_s: float) -> bool:
        """Slow down, and close the gate as the server asks; False if that would go beyond the budget."""
        refusals = self._gate.refused(entered_s=entered_s)
        asked_at = verdict.answered_at or self.clock.now()
        if self._pause(self.retry.delay_s(refusals + 1, verdict.retry_after, asked_at), verdict.reason):
            return True
        self._halted_because = f"the service asks to wait longer than this run may ({verdict.reason})"
        return False

    def _pause(self, delay_s: float, reason: str) -> bool:
        """Whether the gate is closed for `delay_s` and a little more."""
        seconds = delay_s * self.jitter()
        pause = self._gate.hold(seconds)
        if pause is Pause.BEGUN:
            self._tell(self.progress.waiting, seconds, reason)
        return pause is not Pause.TOO_LONG
