"""What earlier versions kept beside a state in a bucket: a journal and a lock. Read once, then removed.

    KEY.lock                         JSON: `held` and who holds it, `released` or `broken`
    KEY.journal/head                 JSON: the generation in use, if any
    KEY.journal/GENERATION/OFFSET    a header line, and what was appended at that offset, nothing at the end

Earlier versions do not see the log. So they find a journal of a later format in place of theirs, and refuse
it.
"""

import json
import zlib
from contextlib import suppress
from typing import Final

import msgspec

from reconciler.model.errors import StateUnavailable
from reconciler.model.locks import LockInfo
from reconciler.stores.bucket_calls import Bucket, PutRefused
from reconciler.stores.bucket_errors import part_missing
from reconciler.stores.store_errors import locked_by_earlier_version

_MISTAKES: Final = (ValueError, KeyError, TypeError, RecursionError)
_SEGMENT: Final = b"reconciler segment %s %08d\n" % (b"0" * 32, 1)
_LATER: Final = "later"
_LATER_HEAD: Final = b'{"generation": "later", "token": "later"}\n'
_LATER_JOURNAL: Final = b'{"formatVersion":3,"number":0,"type":"journal"}'


def read_old_journal(bucket: Bucket, key: str) -> bytes:
    """Return the journal; empty if there is none."""
    head = bucket.get(f"{key}.journal/head")
    try:
        generation = None if head is None else json.loads(head.data)["generation"]
    except _MISTAKES:
        raise part_missing(bucket.location, f"{key}.journal") from None
    if generation in {None, _LATER}:
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
    remedy = f"Once it has certainly ended, remove the object {key}.lock."
    raise locked_by_earlier_version(bucket.location, holder, remedy=remedy)


def replace_old_layout(bucket: Bucket, key: str) -> None:
    """Replace journal and lock by a journal that earlier versions refuse, if that succeeds."""
    folder = f"{key}.journal"
    line = b"%08x %s\n" % (zlib.crc32(_LATER_JOURNAL), _LATER_JOURNAL)
    with suppress(StateUnavailable, PutRefused):
        if journal := [one.key for one in bucket.listing(folder)]:
            bucket.remove(journal)
        bucket.put(f"{folder}/{_LATER}/{0:016}", _SEGMENT + line, replacing=None)
        bucket.put(f"{folder}/head", _LATER_HEAD, replacing=None)
        bucket.remove([f"{key}.lock"])
