"""The server of Terraform's HTTP protocol that keeps one state: its document and its lock.

The document is fetched and replaced as a whole. The protocol has no way to ask who holds the lock. So a look
tries to take it: a refusal shows the holder, and a success is undone at once.
"""

import base64
import hashlib
import time
from typing import Final

from reconciler.backends.complaints import not_locked, refuse_unbreakable
from reconciler.backends.http_address import HttpAddress
from reconciler.backends.http_claim import UNNAMED, Claim, Standing, a_look, new_claim, read_standing
from reconciler.backends.http_complaints import Complaints
from reconciler.backends.http_document import Document, decode_document, encode_document
from reconciler.backends.http_exchange import Exchange
from reconciler.backends.http_wire import Asked, Question, Wire
from reconciler.model.errors import UnlockRefused
from reconciler.ports import Breaking, LockHolder, LockInfo

_ABSENT: Final = frozenset({204, 404})
_LOCKED: Final = frozenset({409, 423})
_LOOK_ENDS_S: Final = 3.0
_POLL_S: Final = 0.05


class Server:
    """The server at `address`."""

    def __init__(self, address: HttpAddress) -> None:
        self.address = address
        self.complaints = Complaints(address)
        self._exchange = Exchange(Wire(address), self.complaints)
        self.connected = self._exchange.connected

    def get(self) -> Document:
        """The document; an empty one where there is none. Raises StateError for one that is not ours."""
        answer = self._exchange.ask(Question(method="GET", url=self.address.address, asked=Asked.AGAIN))
        if answer.status in _ABSENT or (answer.is_success and not answer.body):
            return Document()
        if not answer.is_success:
            raise self.complaints.refused("read", answer)
        return decode_document(answer.body, location=self.address.location)

    def put(self, document: Document, *, claim_id: str) -> bool:
        """Whether the server took `document` under the claim; it did not where another's claim stands.

        Raises OutcomeUnknown, or StateUnavailable with nothing changed.
        """
        body = encode_document(document)
        digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode("ascii")
        answer = self._exchange.ask(
            Question(
                method=self.address.update_method,
                url=self.address.address,
                asked=Asked.AT_MOST_ONCE,
                body=body,
                headers={"content-md5": digest},
                lock_id=claim_id,
            )
        )
        if not answer.is_success and answer.status not in _LOCKED:
            raise self.complaints.refused("write", answer)
        return answer.is_success

    def new_claim(self, info: LockInfo) -> Claim:
        """A claim of `info` that was never made before."""
        return new_claim(info, says_who=self.address.is_gitlab)

    def take(self, claim: Claim) -> Standing | None:
        """The claim that keeps us out; None where ours stands from now on.

        Somebody who only looks is waited for.
        """
        deadline_s = time.monotonic() + _LOOK_ENDS_S
        while True:
            standing = self._try(claim)
            if standing is None or not standing.is_look or time.monotonic() >= deadline_s:
                return standing
            time.sleep(_POLL_S)

    def let_go(self, claim_id: str, body: bytes) -> bool:
        """Whether the claim stood until now; it stands no more. Raises StateUnavailable if it may."""
        answer = self._exchange.ask(
            Question(
                method=self.address.unlock_method,
                url=self.address.unlock_address,
                asked=Asked.AGAIN,
                body=body,
                lock_id=claim_id,
            )
        )
        if answer.is_success:
            return True
        if answer.status in _LOCKED:
            return False
        raise self.complaints.refused("unlock", answer)

    def look(self, info: LockInfo) -> Standing | None:
        """The claim that stands; None where none does. Raises StateUnavailable if that cannot be seen."""
        claim = self.new_claim(a_look(info))
        standing = self.take(claim)
        if standing is None:
            self.let_go(claim.claim_id, claim.body)
        return standing

    def break_claim(self, info: LockInfo, lock_id: str, breaking: Breaking) -> LockHolder:
        """Whoever held the lock `lock_id`, which is free from now on. Raises UnlockRefused."""
        location = self.complaints.location
        standing = self.look(info)
        if standing is None:
            raise not_locked(location)
        holder = standing.holder
        refuse_unbreakable(location, "the server", holder, lock_id, breaking)
        if not self.let_go(standing.claim_id, standing.body):
            raise UnlockRefused(
                f"{location} is no longer locked by {holder}",
                hint="It was let go of, or taken by another, in between. Look again: `reconciler unlock`.",
            )
        return holder

    def _try(self, claim: Claim) -> Standing | None:
        answer = self._exchange.ask(
            Question(
                method=self.address.lock_method,
                url=self.address.lock_address,
                asked=Asked.AGAIN,
                body=claim.body,
            )
        )
        if answer.is_success:
            return None
        if answer.status not in _LOCKED:
            raise self.complaints.no_locks(answer)
        standing = read_standing(answer.body, asked=claim)
        if standing.claim_id != claim.claim_id:
            return standing
        # An earlier try may have been heard though its answer was lost. At the first it gives back
        # what it was sent, which says nothing of who holds the lock.
        return None if answer.was_asked_before else UNNAMED
