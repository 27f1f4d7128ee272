"""Digests of payloads, quickly: by orjson where it spells a payload as the canonical form does."""

import hashlib
from collections.abc import Collection
from itertools import count
from typing import Final

from reconciler.model import payloads
from reconciler.model.identities import Digest
from reconciler.model.payloads import Json, Payload

_FEW: Final = 500
_spelt: Final = count()
"""Payloads that `json` spells before orjson is loaded, which takes as long as a thousand of them."""

_WITHOUT_PARTS: Final[frozenset[type]] = frozenset({str, bool, int, type(None)})


def canonical_bytes(payload: Payload) -> bytes:
    """The same as `payloads.canonical_bytes`."""
    if next(_spelt) < _FEW or _has_fraction(payload.values()):
        return payloads.canonical_bytes(payload)
    import orjson  # noqa: PLC0415 - see _FEW

    try:
        return orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # a number with more than 64 bits, or half a character
        return payloads.canonical_bytes(payload)


def digest_of(payload: Payload) -> Digest:
    """The digest of a payload's canonical bytes."""
    return Digest(f"sha256:{hashlib.sha256(canonical_bytes(payload)).hexdigest()}")


def _has_fraction(values: Collection[Json]) -> bool:
    """Whether a float is within `values`: Python and orjson spell some differently."""
    kinds = set(map(type, values))
    if float in kinds:
        return True
    return not kinds <= _WITHOUT_PARTS and any(
        _has_fraction(value.values() if isinstance(value, dict) else value)
        for value in values
        if isinstance(value, (dict, list))
    )
