"""The proof that a server of Terraform's HTTP protocol keeps what its lock promises."""

from contextlib import suppress
from typing import Final

from msgspec.structs import replace

from reconciler.backends.http_claim import Claim
from reconciler.backends.http_complaints import Complaints
from reconciler.backends.http_documents import Documents
from reconciler.backends.http_holding import Holding
from reconciler.backends.http_lock import ServerLock
from reconciler.model.errors import StateUnavailable

_SAMPLE: Final = 'a proof: "\\u00e9" é ✓\n'.encode()


def prove(holding: Holding, *, lock: ServerLock, documents: Documents, complaints: Complaints) -> None:
    """Nothing, if the server keeps out whoever lacks its lock and gives back what it was given.

    Raises StateUnavailable. The lock is held, and there is no snapshot, before and after.
    """
    other = lock.new_claim(holding.claim.info)
    if lock.take(other) is None:
        lock.let_go(other.claim_id, other.body)
        raise complaints.unsafe("it gives its lock to two at a time")
    _prove_refusal(holding, other, documents, complaints)
    sent = holding.update(lambda document: replace(document, journal=_SAMPLE))
    if documents.get() != sent:
        raise complaints.unsafe("it does not give back what it was given")
    holding.update(lambda document: replace(document, journal=b""))


def _prove_refusal(holding: Holding, other: Claim, documents: Documents, complaints: Complaints) -> None:
    """Nothing, if an update under another claim than ours changes nothing."""
    present = holding.read()
    forged = replace(present, serial=present.serial + 1, lineage=present.lineage or "a proof")
    with suppress(
        StateUnavailable
    ):  # however it is refused: GitLab fails with 500; what counts is what stands
        documents.put(forged, claim_id=other.claim_id)
    if documents.get() != present:
        raise complaints.unsafe("it takes updates from somebody who does not hold its lock")
