"""Acceptances: exams that were changed in the service to what is declared, so that state takes that.

The block `accepted` and the command `accept` both end in `taken` and `acceptance_of`. A block does its work
once: state remembers it by exam, digest and reason.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, TypeAlias

from msgspec.structs import replace

from reconciler.model.declarations import AcceptedChange, Declaration
from reconciler.model.identities import Address
from reconciler.model.payloads import value_of
from reconciler.model.plan import Change
from reconciler.model.renames import Routes, onward
from reconciler.model.secret_fingerprints import SecretFingerprints
from reconciler.model.state import Acceptance, Entry, State

Fingerprints: TypeAlias = Mapping[Address, SecretFingerprints]
"""By address, the fingerprints of the present values of secrets, as far as this run knows them."""
NO_FINGERPRINTS: Final[Fingerprints] = {}


def taken(entry: Entry, exam: Declaration, fingerprints: Fingerprints) -> Entry:
    """Return `entry` with what is declared as the content of the exam.

    If the values of the secrets are unknown, their fingerprints stay, unless the declaration has others.
    """
    secrets = fingerprints.get(exam.address)
    if secrets is None and _has_same_secrets(entry, exam):
        secrets = entry.secrets
    return replace(entry, digest=exam.digest, payload=exam.payload, secrets=secrets)


def acceptance_of(
    entry: Entry, exam: Declaration, *, by: str, at: datetime, reason: str | None
) -> Acceptance:
    """Return what state remembers when the exam of `entry` is accepted as `exam`; `at` is in UTC."""
    return Acceptance(
        address=exam.address,
        sid=entry.sid,
        before=entry.digest,
        digest=exam.digest,
        by=by,
        at=at,
        reason=reason,
    )


def is_same_place(entry: Entry, exam: Declaration | Change) -> bool:
    """Return whether `exam` is declared for the install and course in which it exists."""
    return (entry.install_sid, entry.course_sid) == (exam.install_sid, exam.course_sid)


def to_accept(
    blocks: Iterable[AcceptedChange],
    *,
    exams: Mapping[Address, Declaration],
    entries: Mapping[Address, Entry],
    routes: Routes,
    state: State,
) -> dict[Address, AcceptedChange]:
    """Return the blocks that change something, by address of the exam. `entries` are by that address too."""
    found: dict[Address, AcceptedChange] = {}
    for block in blocks:
        address = address_now(block, exams, routes)
        exam, entry = exams.get(address), entries.get(address)
        if exam is None or entry is None or exam.digest != block.digest or entry.digest == exam.digest:
            continue
        if is_same_place(entry, exam) and done_before(block, entry, state) is None:
            found.setdefault(address, block)
    return found


def address_now(block: AcceptedChange, exams: Mapping[Address, Declaration], routes: Routes) -> Address:
    """Return the address that the exam of `block` is declared at: its own, or the one that it moved to."""
    ends = [] if block.address in exams else sorted(onward(block.address, routes) & exams.keys())
    return ends[0] if len(ends) == 1 else block.address


def done_before(block: AcceptedChange, entry: Entry, state: State) -> Acceptance | None:
    """Return the acceptance by which `block` has done its work on the exam of `entry` already, if any."""
    said = (entry.sid, block.digest, block.reason)
    return next((one for one in state.acceptances if (one.sid, one.digest, one.reason) == said), None)


def _has_same_secrets(entry: Entry, exam: Declaration) -> bool:
    """Return whether all secrets of `exam`, and no others, were sent with the same references."""
    tracked = entry.secrets.digests.keys() if entry.secrets is not None else set[str]()
    return tracked == {use.dotted_path for use in exam.secrets} and all(
        value_of(entry.payload, use.path) == use.secret.reference for use in exam.secrets
    )
