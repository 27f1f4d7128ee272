"""A server for Terraform's HTTP protocol: the document of one state, and its lock.

The document is read and replaced as a whole. A claim is a request for the lock with an ID of its own; the
server lets one claim at a time have the lock. The protocol has no request that asks who holds the lock. So a
look tries to take it: a refusal shows the holder, and a success is undone at once.

A refusal shows the current claim. Most servers return what its holder sent, so `Info` names the holder.
GitLab repeats what the refused client sent; of the holder it shows only the ID (at most 255 characters), the
user and the time. So for GitLab the ID itself encodes the holder.
"""

import base64
import binascii
import hashlib
import json
import time
import uuid
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler import __version__
from reconciler.model.errors import UnlockRefused
from reconciler.model.instants import read_instant, spell_instant
from reconciler.model.outside_text import tamed
from reconciler.ports import Breaking, Liveness, LockHolder, LockInfo
from reconciler.stores.http_address import HttpAddress
from reconciler.stores.http_client import HttpClient, HttpRequest, Resend
from reconciler.stores.http_document import StateDocument, decode_document, encode_document
from reconciler.stores.http_errors import HttpErrors
from reconciler.stores.http_retries import RetryingClient
from reconciler.stores.locks import decode_lock_info, encode_lock_info
from reconciler.stores.store_errors import not_locked, refuse_unbreakable

_ABSENT: Final = frozenset({204, 404})
_LOCKED: Final = frozenset({409, 423})
_LOOK_ENDS_S: Final = 3.0
_POLL_S: Final = 0.05
_PREFIX: Final = "reconciler."
_LONGEST_ID: Final = 255
_LONGEST_KNOWN_ID: Final = 1_000
_LONGEST_WORDS: Final = (60, 40, 25, 12)
_LOOKING: Final = "a look at the lock"


class Claim(Struct, frozen=True, kw_only=True):
    """A request for the lock. No other claim has the same `claim_id`. `body` is what is sent."""

    claim_id: str
    info: LockInfo
    body: bytes


class CurrentClaim(Struct, frozen=True, kw_only=True):
    """The claim that has the lock, as the server shows it to others.

    `claim_id` is empty if the server's answer cannot be read.
    """

    claim_id: str
    holder: LockHolder
    body: bytes

    @property
    def is_look(self) -> bool:
        """Whether the lock was taken only to see who holds it; it is released at once."""
        return self.holder.info is not None and self.holder.info.command == _LOOKING


UNNAMED: Final = CurrentClaim(claim_id="", holder=LockHolder(info=None, liveness=Liveness.UNKNOWN), body=b"")
"""A claim of which the server shows nothing readable."""


def new_claim(info: LockInfo, *, says_who: bool) -> Claim:
    """Return a claim with a new ID. With `says_who` the ID encodes `info`."""
    nonce = uuid.uuid4()
    claim_id = _telling_id(info, nonce.hex[:12]) if says_who else str(nonce)
    document = {
        "ID": claim_id,
        "Operation": info.command,
        "Info": f"{claim_id} {encode_lock_info(info).decode()}",
        "Who": f"{info.who}@{info.host}",
        "Version": f"reconciler-{__version__}",
        "Created": spell_instant(info.since, to="auto"),
        "Path": "",
    }
    return Claim(claim_id=claim_id, info=info, body=json.dumps(document).encode())


def read_current_claim(body: bytes, *, asked: Claim) -> CurrentClaim:
    """Return the current claim from `body`, the answer that refused the claim `asked`."""
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    claim_id = _usable_id(_word(found, "ID") or _word(found, "id"))
    info = _ours(found, claim_id) or _told(claim_id) or _another_tools(found, claim_id, asked)
    return CurrentClaim(claim_id=claim_id, holder=LockHolder(info=info, liveness=Liveness.UNKNOWN), body=body)


def _usable_id(claim_id: str) -> str:
    """Return `claim_id`, or an empty text if it is too long or not valid UTF-8, so that it cannot be sent."""
    is_usable = len(claim_id) <= _LONGEST_KNOWN_ID and claim_id == claim_id.encode(errors="replace").decode()
    return claim_id if is_usable else ""


def _ours(found: Any, claim_id: str) -> LockInfo | None:
    """Return the holder in `Info`, unless `Info` repeats what the refused client sent."""
    about, _, text = _word(found, "Info").partition(" ")
    return decode_lock_info(text.encode(errors="replace")) if claim_id and about == claim_id else None


def _another_tools(found: Any, claim_id: str, asked: Claim) -> LockInfo | None:
    if not claim_id:
        return None
    is_echo = _word(found, "Info").startswith(f"{asked.claim_id} ")
    who, _, host = _word(found, "Who").partition("@")
    return LockInfo(
        lock_id=tamed(claim_id, most=_LONGEST_KNOWN_ID),
        who=tamed(who) or "somebody",
        host=tamed(host) or "an unknown host",
        pid=0,
        since=read_instant(_word(found, "Created")) or datetime.fromtimestamp(0, UTC),
        command=("" if is_echo else tamed(_word(found, "Operation"))) or "another tool",
    )


def _telling_id(info: LockInfo, nonce: str) -> str:
    """Return an ID that encodes as much of `info` as fits."""
    since_s = int(info.since.timestamp())
    for longest in _LONGEST_WORDS:
        who, host, command = (word[:longest] for word in (info.who, info.host, info.command))
        text = json.dumps([nonce, info.lock_id, who, host, info.pid, since_s, command], separators=(",", ":"))
        claim_id = _PREFIX + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        if len(claim_id) <= _LONGEST_ID:
            return claim_id
    return f"{_PREFIX}{nonce}.{info.lock_id}"[:_LONGEST_ID]


def _told(claim_id: str) -> LockInfo | None:
    """Return the holder that `_telling_id` encoded; None for other IDs."""
    encoded = claim_id.removeprefix(_PREFIX)
    if encoded == claim_id:
        return None
    try:
        told = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
        _, lock_id, who, host, pid, since_s, command = told
        return LockInfo(
            lock_id=tamed(str(lock_id)),
            who=tamed(str(who)),
            host=tamed(str(host)),
            pid=int(pid),
            since=datetime.fromtimestamp(since_s, UTC),
            command=tamed(str(command)),
        )
    except (binascii.Error, ValueError, TypeError, OverflowError, OSError, RecursionError):
        return None


def _word(found: Any, key: str) -> str:
    value = found.get(key) if isinstance(found, dict) else None
    return value if isinstance(value, str) else ""


class HttpStateServer:
    """The server at `address`."""

    def __init__(self, address: HttpAddress) -> None:
        self.address = address
        self.errors = HttpErrors(address)
        client = HttpClient(address)
        self._client = RetryingClient(client, self.errors)
        self.connected = client.connected

    def get(self) -> StateDocument:
        """Return the document, empty if there is none. Raise StateError for content that is not ours."""
        answer = self._client.ask(HttpRequest(method="GET", url=self.address.address, resend=Resend.ALLOWED))
        if answer.status in _ABSENT or (answer.is_success and not answer.body):
            return StateDocument()
        if not answer.is_success:
            raise self.errors.refused("read", answer)
        return decode_document(answer.body, location=self.address.location)

    def put(self, document: StateDocument, *, claim_id: str) -> bool:
        """Replace the document under the claim; return False if another claim has the lock.

        Raise HttpOutcomeUnknown, or StateUnavailable with nothing changed.
        """
        body = encode_document(document)
        digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode("ascii")
        answer = self._client.ask(
            HttpRequest(
                method=self.address.update_method,
                url=self.address.address,
                resend=Resend.NEVER,
                body=body,
                headers={"content-md5": digest},
                lock_id=claim_id,
            )
        )
        if not answer.is_success and answer.status not in _LOCKED:
            raise self.errors.refused("write", answer)
        return answer.is_success

    def new_claim(self, info: LockInfo) -> Claim:
        """Return a claim for `info` with a new ID."""
        return new_claim(info, says_who=self.address.is_gitlab)

    def take(self, claim: Claim) -> CurrentClaim | None:
        """Take the lock and return None; if it is taken already, return the current claim.

        If that is only a look, wait for its end.
        """
        deadline_s = time.monotonic() + _LOOK_ENDS_S
        while True:
            current = self._try(claim)
            if current is None or not current.is_look or time.monotonic() >= deadline_s:
                return current
            time.sleep(_POLL_S)

    def release(self, claim_id: str, body: bytes) -> bool:
        """Release the claim; return False if it did not have the lock.

        Raise StateUnavailable if it may still.
        """
        answer = self._client.ask(
            HttpRequest(
                method=self.address.unlock_method,
                url=self.address.unlock_address,
                resend=Resend.ALLOWED,
                body=body,
                lock_id=claim_id,
            )
        )
        if answer.is_success:
            return True
        if answer.status in _LOCKED:
            return False
        raise self.errors.refused("unlock", answer)

    def look(self, info: LockInfo) -> CurrentClaim | None:
        """Return the current claim; None if there is none."""
        claim = self.new_claim(replace(info, command=_LOOKING))
        current = self.take(claim)
        if current is None:
            self.release(claim.claim_id, claim.body)
        return current

    def break_claim(self, info: LockInfo, lock_id: str, breaking: Breaking) -> LockHolder:
        """Release the lock `lock_id` for its holder, and return the holder. Raise UnlockRefused otherwise."""
        location = self.errors.location
        current = self.look(info)
        if current is None:
            raise not_locked(location)
        holder = current.holder
        refuse_unbreakable(location, "the server", holder, lock_id, breaking)
        if not self.release(current.claim_id, current.body):
            raise UnlockRefused(
                f"{location} is no longer locked by {holder}",
                hint="It was released, or taken by another run, meanwhile. Look again: `reconciler unlock`.",
            )
        return holder

    def _try(self, claim: Claim) -> CurrentClaim | None:
        answer = self._client.ask(
            HttpRequest(
                method=self.address.lock_method,
                url=self.address.lock_address,
                resend=Resend.ALLOWED,
                body=claim.body,
            )
        )
        if answer.is_success:
            return None
        if answer.status not in _LOCKED:
            raise self.errors.no_locks(answer)
        current = read_current_claim(answer.body, asked=claim)
        if current.claim_id != claim.claim_id:
            return current
        # The refusal shows our own ID. After a repetition, an earlier try took the lock, and its answer was
        # lost.
        # At the first try, the server only repeats what it was sent, which does not show who holds the lock.
        return None if answer.may_be_repeat else UNNAMED
