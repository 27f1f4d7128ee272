"""Retries of requests to a server for Terraform's HTTP protocol, as far as repeating them is safe.

A request that changes the document is sent once. If its answer is lost, `HttpOutcomeUnknown` is raised: the
server may have done it, or may still do it. A lock is taken and released by its ID, so these may be repeated.
"""

import itertools
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx
from msgspec.structs import replace

from reconciler.model.errors import StateUnavailable
from reconciler.stores.http_client import HttpAnswer, HttpClient, HttpRequest, Resend
from reconciler.stores.http_errors import HttpErrors

_TRIES: Final = 5
_FIRST_PAUSE_S: Final = 0.2
_PATIENCE_S: Final = 60.0


class HttpOutcomeUnknown(StateUnavailable):
    """The server may have made the change, or may still make it.

    `is_passing` means that another try may succeed; the pause before it is over.
    """

    def __init__(self, failure: StateUnavailable, *, is_passing: bool) -> None:
        super().__init__(failure.message, hint=failure.hint, location=failure.location)
        self.is_passing = is_passing


class RetryingClient:
    """Send requests, again if necessary; raise an error for answers that no caller can use."""

    def __init__(self, client: HttpClient, errors: HttpErrors) -> None:
        self._client = client
        self._errors = errors

    def ask(self, request: HttpRequest) -> HttpAnswer:
        """Return the answer to `request`: a success, or a refusal for the caller to interpret.

        Raise HttpOutcomeUnknown if the server may have received a request that must not be sent again. Raise
        StateUnavailable if it received none, or if its answer shows that it cannot be used.
        """
        deadline_s = time.monotonic() + _PATIENCE_S
        for number in itertools.count(1):
            answer, cause = self._ask_once(request)
            if answer is not None and not _is_passing(answer.status):
                return self._usable(replace(answer, may_be_repeat=number > 1), request)
            failure = self._errors.unreachable(cause) if answer is None else self._errors.failed(answer)
            pause_s = _pause_s(number, answer)
            may_retry = number < _TRIES and time.monotonic() + pause_s <= deadline_s
            if may_retry:  # also before HttpOutcomeUnknown, after which the caller may try again at once
                time.sleep(pause_s)
            is_refused = answer is not None and answer.status == httpx.codes.TOO_MANY_REQUESTS
            if request.resend is Resend.NEVER and not is_refused:
                raise HttpOutcomeUnknown(failure, is_passing=may_retry) from cause
            if not may_retry:
                raise failure from cause
        raise AssertionError

    def _ask_once(self, request: HttpRequest) -> tuple[HttpAnswer | None, Exception | None]:
        try:
            return self._client.send(request), None
        except httpx.TransportError as error:
            return None, error
        except OSError as error:  # from ssl or a fault point: sending again must not hide it
            raise HttpOutcomeUnknown(self._errors.unreachable(error), is_passing=False) from error

    def _usable(self, answer: HttpAnswer, request: HttpRequest) -> HttpAnswer:
        """Return `answer`, or raise StateUnavailable if it is an error for every request."""
        error = self._errors.of_anything(answer)
        if error is None:
            return answer
        if answer.is_success and request.resend is Resend.NEVER:
            raise HttpOutcomeUnknown(error, is_passing=False)
        raise error


def _is_passing(status: int) -> bool:
    """Return whether another try may get another status."""
    return status == httpx.codes.TOO_MANY_REQUESTS or (
        status >= httpx.codes.INTERNAL_SERVER_ERROR and status != httpx.codes.NOT_IMPLEMENTED
    )


def _pause_s(number: int, answer: HttpAnswer | None) -> float:
    """Return the seconds to wait after try `number` (the first is 1)."""
    own: float = _FIRST_PAUSE_S * 2 ** (number - 1)
    return own if answer is None else max(own, _retry_after_s(answer.headers.get("retry-after", "")))


def _retry_after_s(text: str) -> float:
    """Return the seconds in a Retry-After header, in either form of RFC 9110 10.2.3; 0 if malformed."""
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # OverflowError: a year out of range
        return 0.0
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    left = aware - datetime.now(UTC)
    return left.total_seconds()
