"""Errors about a server for Terraform's HTTP protocol: what failed, where, and what to do."""

import base64
import json
import os
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx
from httpx import codes

from reconciler.model.commands import command
from reconciler.model.errors import OutcomeUnknown, StateLocked, StateUnavailable
from reconciler.model.outside_text import tamed
from reconciler.retry_after import asked_s
from reconciler.stores.http_address import TRUSTED, HttpAddress
from reconciler.stores.http_client import PASSWORD, USERNAME, HttpAnswer

_UNCHANGED: Final = "Nothing was changed."
_DOCUMENTED: Final = "See `reconciler explain stores/http`."
_BUSY: Final = frozenset({codes.TOO_MANY_REQUESTS, codes.SERVICE_UNAVAILABLE})
_REFUSALS: Final[dict[int, tuple[str, str]]] = {
    codes.UNAUTHORIZED: (
        "the server of {} does not accept the credentials",
        f"Set {USERNAME} and {PASSWORD}; a job's token ends with its job. {_DOCUMENTED}",
    ),
    codes.FORBIDDEN: (
        "the server of {} does not permit it",
        f"Give {USERNAME} the right to read, lock and write it: in GitLab the role Maintainer. {_DOCUMENTED}",
    ),
    codes.REQUEST_ENTITY_TOO_LARGE: (
        "the state is larger than the server of {} takes",
        "Raise its limit (and that of a proxy before it), or split the workspace into several states.",
    ),
}
"""Problem and hint of answers that refuse whatever is requested."""


class HttpErrors:
    """Errors about the server of `address`. They hold no credentials, even if the server repeats them."""

    def __init__(self, address: HttpAddress) -> None:
        self.location = address.location
        self._address = address

    def unreachable(self, error: Exception, *, is_update: bool) -> StateUnavailable:
        """Return the error for a request without a whole answer."""
        if isinstance(error, httpx.TimeoutException):
            hint = "Check the server and the network, or allow more time, as in #timeout=120."
        elif "SSL" in str(error):
            hint = "Check the host and its certificate. Name your own certificate authority in SSL_CERT_FILE."
        else:
            hint = "Check the host, the network, and the proxies that the environment names."
        return self._error(
            f"cannot reach {self.location}: {_describe(error)}",
            hint,
            is_unknown=is_update and not isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)),
            retry_after_s=0.0 if isinstance(error, httpx.TransportError) else None,
        )

    def of_anything(self, answer: HttpAnswer, *, is_update: bool) -> StateUnavailable | None:
        """Return the error for an `answer` that is one whatever was requested; None for other answers."""
        status, is_unknown, retry_after_s = answer.status, is_update, None
        is_definite = answer.is_success or codes.is_client_error(status) or status == codes.NOT_IMPLEMENTED
        if self.may_be_hidden(answer):
            return None
        if status in _REFUSALS:
            (problem, hint), is_unknown = _REFUSALS[status], False
        elif codes.is_redirect(status):
            problem, is_unknown = "{} redirects elsewhere" + _redirect_words(answer), False
            hint = "Write the final address: credentials are not sent on to another."
        elif answer.is_success and answer.is_page:
            problem = "{} answers with an HTML page instead of a state"
            hint = "Check the address. A proxy or a sign-in page may stand between here and the server."
        elif status in _BUSY or not is_definite:
            problem = "the server of {} " + ("is too busy" if status in _BUSY else "failed")
            hint = "Try again later, with a lower --parallelism, or look at the server's logs."
            is_unknown = is_update and status != codes.TOO_MANY_REQUESTS
            retry_after_s = asked_s(answer.headers.get("retry-after"), datetime.now(UTC))
        else:
            return None
        return self._error(
            f"{problem.replace('{}', self.location)} ({_status(answer)})",
            hint if is_unknown else f"{_UNCHANGED} {hint}",
            is_unknown=is_unknown,
            retry_after_s=retry_after_s,
        )

    def may_be_hidden(self, answer: HttpAnswer) -> bool:
        """Return whether the server may have refused because the credentials were not sent to it."""
        are_withheld = not self._address.is_trusted and any(map(os.environ.get, (USERNAME, PASSWORD)))
        return are_withheld and answer.status in {401, 403, 404}

    def refused(self, verb: str, answer: HttpAnswer) -> StateUnavailable:
        """Return the error after the server refused to `verb` the state ("read", "write", …)."""
        problem, hint = f"the server refuses to {verb} {self.location}", "Check the address and its options."
        if self.may_be_hidden(answer):
            parts = urlsplit(self._address.address)
            hint = (
                f"{USERNAME} and {PASSWORD} were not sent, because the state's URL is not from the command "
                f"line. If they are for this server, set {TRUSTED}={parts.scheme}://{parts.netloc}, or give "
                "the URL with --state."
            )
        elif verb == "lock" and answer.status in {404, 405, 501}:  # without a lock, no change is safe
            problem = f"the server of {self.location} does not lock"
            hint = (
                "Check the address: a missing project looks the same. If it is right, give the lock's, as in "
                "#lock-address=…&lock-method=POST, or choose a server that locks."
            )
        elif answer.status == codes.NOT_FOUND:
            hint = f"There may be no such project, or {USERNAME} cannot see it: check the address."
        return self._error(
            f"{problem} ({_status(answer)})",
            f"{_UNCHANGED} {hint} {_DOCUMENTED}",
            retry_after_s=0.0 if answer.status in {409, 423} else None,  # another ID has the lock now
        )

    def locked(self, holder: str, lock_id: str) -> StateLocked:
        """Return the error for a lock at the server that no run in the log has."""
        end = f"{command('unlock', lock_id)} releases it" if lock_id else "release it at the server"
        return StateLocked(
            f"{self.location} is locked at its server by {holder}",
            hint=f"Wait for it to end. A run of an earlier version, another tool, or a run that was killed "
            f"as it began has this lock. If that has certainly ended, {end}.",
            holder=holder,
        )

    def unsafe(self, proof: str) -> StateUnavailable:
        """Return the error for a server whose lock does not protect the state; `proof` says what it did."""
        return self._error(
            f"the server of {self.location} is not safe for a state: {proof}",
            f"Two runs could overwrite each other's outcomes. Choose another server or store. {_DOCUMENTED}",
        )

    def _error(
        self, message: str, hint: str, *, is_unknown: bool = False, retry_after_s: float | None = None
    ) -> StateUnavailable:
        kind = OutcomeUnknown if is_unknown else StateUnavailable
        return kind(message, hint=hint, retry_after_s=retry_after_s)


def _describe(error: Exception) -> str:
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return type(error).__name__ if _holds_secrets(text) else tamed(text)


def _status(answer: HttpAnswer) -> str:
    """Return the status, and the server's message if it can be shown."""
    text = answer.body.decode("utf-8", errors="replace")
    said = "" if _holds_secrets(text) or answer.is_page else tamed(_message_in(text))
    return f"HTTP {answer.status}: {said}" if said else f"HTTP {answer.status}"


def _message_in(text: str) -> str:
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(found, dict):
        return ""
    told = (found.get(key) for key in ("message", "error_description", "error", "detail"))
    return next((one for one in told if isinstance(one, str)), "")


def _redirect_words(answer: HttpAnswer) -> str:
    """Return the target of a redirect, without user and query, which may be secret."""
    try:
        parts = urlsplit(answer.headers.get("location", ""))
        host = parts.hostname
    except ValueError:
        return ""
    return f" to {tamed(f'{parts.scheme}://{host}{parts.path}')}" if host else ""


def _holds_secrets(text: str) -> bool:
    """Return whether `text` holds the password, plain or encoded as in a header, a URL or JSON."""
    password = os.environ.get(PASSWORD, "")
    if not password:
        return False
    pair = base64.b64encode(f"{os.environ.get(USERNAME, '')}:{password}".encode()).decode()
    return any(word in text for word in (pair, password, quote(password), json.dumps(password)[1:-1]))
