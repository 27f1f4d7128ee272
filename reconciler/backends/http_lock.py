"""The lock of a server of Terraform's HTTP protocol: taken, let go of, looked at and broken.

The protocol has no way to ask who holds a lock. So a look tries to take it: a refusal shows the holder, and a
success is undone at once.
"""

import time
from typing import Final

from reconciler.backends.complaints import not_locked, refuse_unbreakable
from reconciler.backends.http_address import HttpAddress
from reconciler.backends.http_claim import UNNAMED, Claim, Standing, a_look, new_claim, read_standing
from reconciler.backends.http_complaints import Complaints
from reconciler.backends.http_exchange import Exchange
from reconciler.backends.http_wire import Asked, Question
from reconciler.model.errors import UnlockRefused
from reconciler.ports import Breaking, LockHolder, LockInfo

_LOCKED: Final = frozenset({409, 423})
_LOOK_ENDS_S: Final = 3.0
_POLL_S: Final = 0.05


class ServerLock:
    """The lock at an address."""

    def __init__(self, exchange: Exchange, address: HttpAddress, complaints: Complaints) -> None:
        self._exchange = exchange
        self._address = address
        self._complaints = complaints

    def new_claim(self, info: LockInfo) -> Claim:
        """A claim of `info` that was never made before."""
        return new_claim(info, says_who=self._address.is_gitlab)

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
                method=self._address.unlock_method,
                url=self._address.unlock_address,
                asked=Asked.AGAIN,
                body=body,
                lock_id=claim_id,
            )
        )
        if answer.is_success:
            return True
        if answer.status in _LOCKED:
            return False
        raise self._complaints.refused("unlock", answer)

    def look(self, info: LockInfo) -> Standing | None:
        """The claim that stands; None where none does. Raises StateUnavailable if that cannot be seen."""
        claim = self.new_claim(a_look(info))
        standing = self.take(claim)
        if standing is None:
            self.let_go(claim.claim_id, claim.body)
        return standing

    def break_claim(self, info: LockInfo, lock_id: str, breaking: Breaking) -> LockHolder:
        """Whoever held the lock `lock_id`, which is free from now on. Raises UnlockRefused."""
        location = self._complaints.location
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
                method=self._address.lock_method,
                url=self._address.lock_address,
                asked=Asked.AGAIN,
                body=claim.body,
            )
        )
        if answer.is_success:
            return None
        if answer.status not in _LOCKED:
            raise self._complaints.no_locks(answer)
        standing = read_standing(answer.body, asked=claim)
        if standing.claim_id != claim.claim_id:
            return standing
        # An earlier try may have been heard though its answer was lost. At the first it gives back
        # what it was sent, which says nothing of who holds the lock.
        return None if answer.was_asked_before else UNNAMED
