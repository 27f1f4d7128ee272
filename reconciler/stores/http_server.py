"""A server for Terraform's HTTP protocol: the document of one state, and its lock.

The document is read and replaced as a whole. The server gives its lock to one ID at a time. The protocol has
no request that asks who has the lock, but the answer that refuses it to another ID tells.
"""

import hashlib
import json
import os
import socket
import uuid
from datetime import UTC, datetime
from typing import Any, Final, Self

import httpx
from msgspec import Struct

from reconciler import __version__
from reconciler.model.instants import spell_instant
from reconciler.model.outside_text import tamed
from reconciler.stores.http_address import HttpAddress
from reconciler.stores.http_client import HttpAnswer, HttpClient
from reconciler.stores.http_document import StateDocument, decode_document, encode_document
from reconciler.stores.http_errors import HttpErrors

_ABSENT: Final = frozenset({204, 404})
_LOCKED: Final = frozenset({409, 423})
_LONGEST_ID: Final = 1_000
_LONGEST_NAME: Final = 80


class ServerLock(Struct, frozen=True, kw_only=True):
    """A lock of the server. `body` is what its holder sent, as far as the server shows it.

    `lock_id` is empty if the server does not show it. All IDs of one client belong to one family.
    """

    lock_id: str
    body: bytes
    who: str = "an unknown run"
    since: str = "unknown"

    @property
    def name(self) -> str:
        """The ID as people type it: at GitLab, earlier versions had IDs that are longer than a line."""
        is_long = len(self.lock_id) > _LONGEST_NAME
        return hashlib.sha256(self.lock_id.encode()).hexdigest()[:32] if is_long else self.lock_id

    @property
    def holder(self) -> str:
        """Who has the lock, as far as the server shows it."""
        return f"{self.who} (since {self.since}, lock id {self.name})" if self.lock_id else self.who

    @classmethod
    def named(cls, lock_id: str) -> Self:
        """Return the lock `lock_id` as this process asks for it."""
        document = {
            "ID": lock_id,
            "Operation": "reconciler",
            "Info": f"process {os.getpid()}; the log of the state says more",
            "Who": f"uid {os.getuid() if hasattr(os, 'getuid') else '?'}@{socket.gethostname()}",
            "Version": f"reconciler-{__version__}",
            "Created": spell_instant(datetime.now(UTC), to="seconds"),
            "Path": "",
        }
        return cls(lock_id=lock_id, body=json.dumps(document).encode())


def new_family() -> str:
    """Return what the IDs of a new client have in common."""
    return f"reconciler-{uuid.uuid4().hex}"


def family_of(lock_id: str) -> str:
    """Return what `lock_id` has in common with the other IDs of its client."""
    return lock_id.rpartition("-")[0]


def new_lock(family: str) -> ServerLock:
    """Return a lock of `family` with a new ID."""
    return ServerLock.named(f"{family}-{uuid.uuid4().hex[:12]}")


def _lock_in(body: bytes, *, asked: ServerLock) -> ServerLock:
    """Return the present lock from `body`, the answer that refused the lock `asked`."""
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    words = found if isinstance(found, dict) else {}
    lock_id, who, created = (
        value if isinstance(value, str) else "" for value in map(words.get, ("ID", "Who", "Created"))
    )
    is_usable = len(lock_id) <= _LONGEST_ID and lock_id == tamed(lock_id, most=_LONGEST_ID)
    if not is_usable or lock_id == asked.lock_id:  # the server only repeats what it was sent
        return ServerLock(lock_id="", body=body)
    told = {name: tamed(text) for name, text in (("who", who), ("since", created)) if text}
    return ServerLock(lock_id=lock_id, body=body, **told)


class HttpServer:
    """The server at `address`. Each method sends one request."""

    def __init__(self, address: HttpAddress) -> None:
        self._address = address
        self.errors = HttpErrors(address)
        self._client = HttpClient(address)

    def get(self) -> StateDocument:
        """Return the document, empty if there is none. Raise StateError for content that is not ours."""
        answer = self._ask("GET", self._address.address)
        is_absent = answer.status in _ABSENT or (answer.is_success and not answer.body)
        if is_absent and not self.errors.may_be_hidden(answer):
            return StateDocument()
        if not answer.is_success:
            raise self.errors.refused("read", answer)
        return decode_document(answer.body, location=self._address.location)

    def put(self, document: StateDocument) -> None:
        """Replace the document, under the lock that it names.

        Raise OutcomeUnknown, or StateUnavailable with nothing changed, also if another ID has the lock.
        """
        method, url, body = self._address.update_method, self._address.address, encode_document(document)
        answer = self._ask(method, url, body=body, lock_id=document.lock_id, is_update=True)
        if not answer.is_success:
            raise self.errors.refused("write", answer)

    def lock(self, lock: ServerLock) -> ServerLock | None:
        """Take the lock and return None; if it is taken, return the present one."""
        answer = self._ask(self._address.lock_method, self._address.lock_address, body=lock.body)
        return None if self._is_done("lock", answer) else _lock_in(answer.body, asked=lock)

    def unlock(self, lock: ServerLock) -> bool:
        """Release the lock; return False if another ID has it. Raise StateUnavailable if it may be held."""
        method, url = self._address.unlock_method, self._address.unlock_address
        return self._is_done("unlock", self._ask(method, url, body=lock.body, lock_id=lock.lock_id))

    def _is_done(self, verb: str, answer: HttpAnswer) -> bool:
        """Return whether the server did it; False if another ID has the lock."""
        if not answer.is_success and answer.status not in _LOCKED:
            raise self.errors.refused(verb, answer)
        return answer.is_success

    def _ask(
        self, method: str, url: str, *, body: bytes = b"", lock_id: str = "", is_update: bool = False
    ) -> HttpAnswer:
        """Send a request and return its answer, for the caller to interpret.

        Raise OutcomeUnknown for an update that the server may have made, or StateUnavailable.
        """
        try:
            answer = self._client.send(method, url, body=body, lock_id=lock_id)
        except (httpx.TransportError, OSError) as error:  # OSError: from ssl or a fault point
            raise self.errors.unreachable(error, is_update=is_update) from error
        if (unusable := self.errors.of_anything(answer, is_update=is_update)) is not None:
            raise unusable
        return answer
