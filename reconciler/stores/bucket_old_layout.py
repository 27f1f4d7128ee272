"""What earlier versions kept beside a state in a bucket: a journal and a lock. Read once, then removed.

KEY.lock                         JSON: `held` and who holds it, `released` or `broken`
KEY.journal/head                 JSON: the generation in use, if any
KEY.journal/GENERATION/OFFSET    a header line, and what was appended at that offset, nothing at the end
"""

import json
from contextlib import suppress
from typing import Final

import msgspec

from reconciler.model.errors import StateUnavailable
from reconciler.model.locks import LockInfo
from reconciler.stores.bucket_calls import Bucket
from reconciler.stores.bucket_errors import locked_by_earlier_version, part_missing

_MISTAKES: Final = (ValueError, KeyError, TypeError, RecursionError)


def read_old_journal(bucket: Bucket, key: str) -> bytes:
    """Return the journal; empty if there is none."""
    head = bucket.get(f"{key}.journal/head")
    try:
        generation = None if head is None else json.loads(head.data)["generation"]
    except _MISTAKES:
        raise part_missing(bucket.location, f"{key}.journal") from None
    if generation is None:
        return b""
    folder = f"{key}.journal/{generation}"
    keys = [one.key for one in bucket.listing(folder)]
    segments = dict(zip(keys, bucket.get_all(keys), strict=True))
    journal = b""
    while True:
        name = f"{folder}/{len(journal):016}"
        found = segments.get(name) or bucket.get(name)
        data = b"" if found is None else found.data.partition(b"\n")[2]
        if not data:
            break
        journal += data
    if not journal or max(keys, default="") > name:
        raise part_missing(bucket.location, folder)
    return journal


def refuse_old_lock(bucket: Bucket, key: str) -> None:
    """Raise StateLocked if a run of an earlier version holds the lock, or was killed with it."""
    found = bucket.get(f"{key}.lock")
    if found is None:
        return
    try:
        told = json.loads(found.data)
        if told.pop("lock") != "held":
            return
        told.pop("token")
        holder = str(msgspec.convert(told, LockInfo))
    except (*_MISTAKES, msgspec.MsgspecError):
        holder = "it does not say who"
    raise locked_by_earlier_version(bucket.location, f"{key}.lock", holder)


def remove_old_layout(bucket: Bucket, key: str) -> None:
    """Remove journal and lock, if that succeeds."""
    with suppress(StateUnavailable):
        if journal := [one.key for one in bucket.listing(f"{key}.journal")]:
            bucket.remove(journal)
        bucket.remove([f"{key}.lock"])
