"""Digests of payloads, quickly: by orjson where it spells a payload as the canonical form does."""

import hashlib
from itertools import count
from typing import Final

from reconciler.model import payloads
from reconciler.model.identities import Digest
from reconciler.model.payloads import Payload

_FEW: Final = 500
_spelt: Final = count()
"""Payloads that `json` spells before orjson is loaded, which takes as long as a thousand of them."""


def canonical_bytes(payload: Payload) -> bytes:
    """The same as `payloads.canonical_bytes`, for a `payload` without a float in it.

    Of these orjson spells the largest and the smallest otherwise than Python does: `1e16` and `1e+16`.
    """
    if next(_spelt) < _FEW:
        return payloads.canonical_bytes(payload)
    import orjson  # noqa: PLC0415 - see _FEW

    try:
        return orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # a number with more than 64 bits, or half a character
        return payloads.canonical_bytes(payload)


def digest_of(payload: Payload) -> Digest:
    """The digest of the canonical bytes of a `payload` without a float in it."""
    return Digest(f"sha256:{hashlib.sha256(canonical_bytes(payload)).hexdigest()}")
