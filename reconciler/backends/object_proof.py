"""The proof that a store honours conditions, tried on a scratch object: some ignore them in silence."""

import secrets
from collections.abc import Callable
from contextlib import suppress

from reconciler.backends.object_calls import Bucket, Refused, Tag
from reconciler.model.errors import StateUnavailable


def prove_conditions(bucket: Bucket, key: str) -> None:
    """Raises StateUnavailable unless puts, listings and gets at `key` do what this product relies on.

    The object is removed again as far as that goes.
    """
    try:
        _prove(bucket, key)
    finally:
        with suppress(StateUnavailable):
            bucket.remove([key])


def _prove(bucket: Bucket, key: str) -> None:
    try:
        first = _put(bucket, key, None)
        _must_refuse(bucket, "to make an object that is there", lambda: _put(bucket, key, None))
        last = _put(bucket, key, first)
    except Refused:
        raise _unfit(bucket, "it refuses a write whose condition holds") from None
    _must_refuse(bucket, "to replace an object that has changed", lambda: _put(bucket, key, first))
    found = bucket.get(key)
    if found is None or found.tag != last:
        raise _unfit(bucket, "it does not give back what was written to it last")
    if key not in {listed.key for listed in bucket.listing(key.rpartition("/")[0])}:
        raise _unfit(bucket, "it does not list an object that was just made")


def _put(bucket: Bucket, key: str, replacing: Tag | None) -> Tag:
    return bucket.put(key, secrets.token_hex(16).encode(), replacing=replacing)


def _must_refuse(bucket: Bucket, what: str, put: Callable[[], Tag]) -> None:
    try:
        put()
    except Refused:
        return
    raise _unfit(bucket, f"it did not refuse {what}: it ignores conditions")


def _unfit(bucket: Bucket, problem: str) -> StateUnavailable:
    return StateUnavailable(
        f"the store of {bucket.location} is not fit for state: {problem}",
        hint="Two runs could overwrite each other there. Use a store with conditional writes, or a newer "
        "version of this one; see docs/backends/object-storage.md.",
        location=bucket.location,
    )
