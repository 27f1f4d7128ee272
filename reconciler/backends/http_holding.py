"""A lock that we hold at a server of Terraform's HTTP protocol, and the document as it is while we hold it.

Whoever holds the lock is the only one whose updates the server takes, so the document is what we last read or
wrote. Two things can end that. The lock may be broken: then nothing more is written or acknowledged. And the
outcome of an update may be unknown: it may even arrive later, over whatever was written since. So before the
next update the claim is exchanged for a new one, whose ID the late one does not name, and the document is
read anew: it is ours, or the one before it, or somebody else was here and the lock is lost.
"""

import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from msgspec.structs import replace

from reconciler.backends.complaints import lock_taken_away
from reconciler.backends.http_claim import Claim
from reconciler.backends.http_complaints import Complaints
from reconciler.backends.http_document import Document
from reconciler.backends.http_documents import Documents
from reconciler.backends.http_exchange import OutcomeUnknown
from reconciler.backends.http_lock import ServerLock
from reconciler.model.errors import StateUnavailable

_UPDATE_TRIES: Final = 3


class Holding:
    """The claim that stands, from when it was taken until `end`.

    With `asks_first`, the server may take updates of anybody while nobody holds the lock, so that each update
    asks first whether the lock is still ours.
    """

    def __init__(
        self,
        claim: Claim,
        *,
        lock: ServerLock,
        documents: Documents,
        complaints: Complaints,
        asks_first: bool,
    ) -> None:
        self._claim = claim
        self._own = {claim.claim_id}
        self._lock = lock
        self._documents = documents
        self._complaints = complaints
        self._asks_first = asks_first
        self._known: Document | None = None
        self._unsettled: tuple[Document, Document] | None = None
        self._is_between_claims = False
        self._is_lost = False

    @property
    def claim(self) -> Claim:
        """The claim that stands."""
        return self._claim

    def read(self) -> Document:
        """The document as the server has it now."""
        if self._unsettled is not None and not self._is_lost:
            try:
                return self._settle()
            except StateUnavailable:
                if not self._is_lost:
                    raise
        self._known = self._documents.get()
        return self._known

    def update(self, change: Callable[[Document], Document]) -> Document:
        """The document as `change` made it of the present one; durable.

        Raises StateUnavailable, with nothing changed, once the lock is lost.
        """
        sent: Document | None = None
        for number in range(1, _UPDATE_TRIES + 1):
            present = self._present()
            if present == sent:
                return present
            changed = change(present)
            if changed is present:
                return present
            lineage = present.lineage or str(uuid.uuid4())
            sent = replace(changed, serial=present.serial + 1, lineage=lineage)
            try:
                self._put(present, sent)
            except OutcomeUnknown as error:
                if number == _UPDATE_TRIES or not error.is_passing:
                    raise
            else:
                return sent
        raise AssertionError

    def end(self) -> None:
        """Let go of the lock, if it is ours. Raises StateUnavailable if that is not known."""
        if not self._is_lost:
            self._lock.let_go(self._claim.claim_id, self._claim.body)

    def _present(self) -> Document:
        if self._is_lost:
            raise lock_taken_away(self._complaints.location)
        if self._unsettled is not None:
            return self._settle()
        if self._known is None:
            self._known = self._documents.get()
        return self._known

    def _put(self, present: Document, sent: Document) -> None:
        if self._asks_first:
            self._confirm_claim()
        self._unsettled = (present, sent)
        try:
            is_taken = self._documents.put(sent, claim_id=self._claim.claim_id)
        except OutcomeUnknown:
            raise
        except StateUnavailable:
            self._unsettled = None
            raise
        self._unsettled = None
        if not is_taken:
            self._confirm_claim()
            raise self._complaints.refused_though_held()
        self._known = sent

    def _settle(self) -> Document:
        """The document, once no late update can change it any more: as sent, or as it was before."""
        self._renew_claim()
        found = self._documents.get()
        if self._unsettled is None or found not in self._unsettled:
            with suppress(StateUnavailable):
                self.end()
            raise self._lost(self._complaints.moved_on())
        self._known, self._unsettled = found, None
        return found

    def _renew_claim(self) -> None:
        """A new claim stands in the place of the old one. Raises if another's does, or none did."""
        if not self._is_between_claims:
            self._confirm_claim()
            self._is_between_claims = True
            self._lock.let_go(self._claim.claim_id, self._claim.body)
        self._claim = self._new_claim()
        standing = self._lock.take(self._claim)
        if standing is not None and standing.claim_id in self._own:  # we let go of it, and were not heard
            self._lock.let_go(standing.claim_id, standing.body)
            standing = self._lock.take(self._claim)
        if standing is not None:
            raise self._lost(lock_taken_away(self._complaints.location))
        self._is_between_claims = False

    def _confirm_claim(self) -> None:
        """Nothing, if a claim of ours stands."""
        standing = self._lock.look(self._claim.info)
        # A server that does not say whose claim stands may mean ours.
        if standing is None or (standing.claim_id and standing.claim_id not in self._own):
            raise self._lost(lock_taken_away(self._complaints.location))

    def _new_claim(self) -> Claim:
        claim = self._lock.new_claim(self._claim.info)
        self._own.add(claim.claim_id)
        return claim

    def _lost(self, complaint: StateUnavailable) -> StateUnavailable:
        self._is_lost = True
        return complaint
