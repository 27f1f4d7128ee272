"""Questions to a server of Terraform's HTTP protocol, asked again while that is safe, and their answers.

A question that changes the document is asked once: `OutcomeUnknown` says that it may have been heard, or may
still be. Locking and letting go are done by an ID, so that doing either twice is as good as once.
"""

import itertools
import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx
from msgspec.structs import replace

from reconciler.backends.http_complaints import Complaints
from reconciler.backends.http_wire import Answer, Asked, Question, Wire
from reconciler.model.errors import StateUnavailable

_TRIES: Final = 5
_FIRST_PAUSE_S: Final = 0.2
_PATIENCE_S: Final = 60.0


class OutcomeUnknown(StateUnavailable):
    """The server may have done what it was asked, or may still do so.

    `is_passing` tells that asking anew may well help.
    """

    def __init__(self, failure: StateUnavailable, *, is_passing: bool) -> None:
        super().__init__(failure.message, hint=failure.hint, location=failure.location)
        self.is_passing = is_passing


class Exchange:
    """Asks the server."""

    def __init__(self, wire: Wire, complaints: Complaints) -> None:
        self._wire = wire
        self._complaints = complaints

    def connected(self) -> AbstractContextManager[None]:
        """What is asked within shares a connection."""
        return self._wire.connected()

    def ask(self, question: Question) -> Answer:
        """The answer to `question`: a success, or a refusal for the caller to understand.

        Raises OutcomeUnknown if it may have been heard, and StateUnavailable if it was not, or if the answer
        is that nothing can be had here.
        """
        deadline_s = time.monotonic() + _PATIENCE_S
        for number in itertools.count(1):
            answer, cause = self._ask_once(question)
            if answer is not None and not _is_passing(answer.status):
                return self._usable(replace(answer, was_asked_before=number > 1), question)
            failure = self._failure(answer, cause)
            pause_s = _pause_s(number, answer)
            may_wait = number < _TRIES and time.monotonic() + pause_s <= deadline_s
            if may_wait:
                time.sleep(pause_s)
            is_refused = answer is not None and answer.status == httpx.codes.TOO_MANY_REQUESTS
            if question.asked is Asked.AT_MOST_ONCE and not is_refused:
                raise OutcomeUnknown(failure, is_passing=may_wait) from cause
            if not may_wait:
                raise failure from cause
        raise AssertionError

    def _ask_once(self, question: Question) -> tuple[Answer | None, Exception | None]:
        try:
            return self._wire.send(question), None
        except httpx.TransportError as error:
            return None, error
        except OSError as error:  # of ssl, or a rehearsed one: not to be papered over by asking again
            raise OutcomeUnknown(self._complaints.unreachable(error), is_passing=False) from error

    def _failure(self, answer: Answer | None, cause: Exception | None) -> StateUnavailable:
        return self._complaints.unreachable(cause) if answer is None else self._complaints.failed(answer)

    def _usable(self, answer: Answer, question: Question) -> Answer:
        """`answer`, if it is one of this protocol. Raises StateUnavailable."""
        complaint = self._complaints.of_anything(answer)
        if complaint is None:
            return answer
        if answer.is_success and question.asked is Asked.AT_MOST_ONCE:
            raise OutcomeUnknown(complaint, is_passing=False)
        raise complaint


def _is_passing(status: int) -> bool:
    """Whether `status` is one that may be another a moment later."""
    return status == httpx.codes.TOO_MANY_REQUESTS or (
        status >= httpx.codes.INTERNAL_SERVER_ERROR and status != httpx.codes.NOT_IMPLEMENTED
    )


def _pause_s(number: int, answer: Answer | None) -> float:
    """Seconds to wait after try `number`."""
    own: float = _FIRST_PAUSE_S * 2 ** (number - 1)
    return own if answer is None else max(own, _retry_after_s(answer.headers.get("retry-after", "")))


def _retry_after_s(text: str) -> float:
    """Either form of RFC 9110 section 10.2.3; 0 for anything else."""
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # the latter of a year as no calendar has it
        return 0.0
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    left = aware - datetime.now(UTC)
    return left.total_seconds()
