"""Errors about a server for Terraform's HTTP protocol: what failed, where, and what to do."""

import base64
import json
import os
import ssl
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx

from reconciler.model.errors import StateUnavailable
from reconciler.model.outside_text import tamed
from reconciler.stores.http_address import HttpAddress
from reconciler.stores.http_client import PASSWORD, USERNAME, HttpAnswer

_UNCHANGED: Final = "Nothing was changed."
_DOCUMENTED: Final = "See docs/backends/http.md."
_NO_LOCK: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})


class HttpErrors:
    """Errors about the server of `address`. They hold no credentials, even if the server repeats them."""

    def __init__(self, address: HttpAddress) -> None:
        self.location = address.location
        self._address = address

    def unreachable(self, error: Exception | None) -> StateUnavailable:
        """Return the error for a request without a whole answer."""
        if isinstance(error, httpx.TimeoutException):
            hint = "Check the server and the network, or allow more time, as in #timeout=120."
        elif _is_about_tls(error):
            hint = "Check the host and its certificate. Name your own certificate authority in SSL_CERT_FILE."
        else:
            hint = "Check the host, the network, and the proxies that the environment names."
        return self._unavailable(f"cannot reach {self.location}: {_describe(error)}", hint)

    def failed(self, answer: HttpAnswer) -> StateUnavailable:
        """Return the error for a server that failed or was too busy at every try."""
        if answer.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
            problem, hint = "has been too busy for too long", "Try again later, with a lower --parallelism."
        else:
            problem, hint = "failed", "Try again; if that does not help, look at the server's logs."
        return self._unavailable(f"the server of {self.location} {problem} ({_status(answer)})", hint)

    def of_anything(self, answer: HttpAnswer) -> StateUnavailable | None:
        """Return the error for an `answer` that is one whatever was requested; None for other answers."""
        status = answer.status
        if status == HTTPStatus.UNAUTHORIZED:
            return self._unavailable(
                f"the server of {self.location} does not accept the credentials ({_status(answer)})",
                f"{_UNCHANGED} Set {USERNAME} and {PASSWORD}; a job's token ends with its job. {_DOCUMENTED}",
            )
        if status == HTTPStatus.FORBIDDEN:
            return self._unavailable(
                f"the server of {self.location} does not permit it ({_status(answer)})",
                f"{_UNCHANGED} Give {USERNAME} the right to read, lock and write it; in GitLab that is the "
                f"role Maintainer, and Developer for reading. {_DOCUMENTED}",
            )
        if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return self._unavailable(
                f"the state is larger than the server of {self.location} takes ({_status(answer)})",
                f"{_UNCHANGED} Raise the server's limit (and that of a proxy before it), or split the "
                "workspace into several states.",
            )
        if answer.is_success and answer.is_page:
            return self._unavailable(
                f"{self.location} answers with an HTML page instead of a state",
                "Check the address. A proxy or a sign-in page may stand between here and the server.",
            )
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return self._unavailable(
                f"{self.location} redirects elsewhere: {_status(answer)}{_redirect_words(answer)}",
                f"{_UNCHANGED} Write the final address: credentials are not sent on to another.",
            )
        return None

    def refused(self, verb: str, answer: HttpAnswer) -> StateUnavailable:
        """Return the error after the server refused to `verb` the state ("read", "write", …)."""
        hint = (
            f"{_UNCHANGED} There may be no such project, or {USERNAME} cannot see it: check the address."
            if answer.status == HTTPStatus.NOT_FOUND
            else f"{_UNCHANGED} Check the address and its options. {_DOCUMENTED}"
        )
        return self._unavailable(f"the server refuses to {verb} {self.location} ({_status(answer)})", hint)

    def refused_though_held(self) -> StateUnavailable:
        """Return the error for an update that is refused as locked, although this run holds the lock."""
        return self._unavailable(
            f"the server refuses to write {self.location} though this run holds its lock",
            f"{_UNCHANGED} Look at the server's logs. {_DOCUMENTED}",
        )

    def no_locks(self, answer: HttpAnswer) -> StateUnavailable:
        """Return the error for a server that refuses locks. Without a lock, no change is safe."""
        if answer.status not in _NO_LOCK:
            return self.refused("lock", answer)
        return self._unavailable(
            f"the server of {self.location} does not lock ({_status(answer)} to {self._address.lock_method})",
            f"{_UNCHANGED} Check the address: a missing project looks the same. If it is right, give the "
            f"lock's, as in #lock-address=…&lock-method=POST, or choose a server that locks. {_DOCUMENTED}",
        )

    def unsafe(self, proof: str) -> StateUnavailable:
        """Return the error for a server whose lock does not protect the state; `proof` says what it did."""
        return self._unavailable(
            f"the server of {self.location} is not safe for a state: {proof}",
            f"Two runs could overwrite each other's outcomes. Choose another server or store. {_DOCUMENTED}",
        )

    def moved_on(self) -> StateUnavailable:
        """Return the error after somebody else changed the state while this run held the lock."""
        return self._unavailable(
            f"{self.location} was changed by somebody else while this run held its lock",
            "This run records nothing more; what it had in flight is in doubt. See `reconciler plan`.",
        )

    def _unavailable(self, message: str, hint: str) -> StateUnavailable:
        return StateUnavailable(message, hint=hint, location=self.location)


def _is_about_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _describe(error: Exception | None) -> str:
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
