"""Payloads: the JSON bodies to be sent, their canonical bytes and their digests."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from reconciler.model.identities import Digest

if TYPE_CHECKING:
    Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
else:
    Json = Any  # msgspec reads no type that contains itself
"""A JSON value. Arrays are lists and objects are dicts; callers treat both as read-only."""

Document: TypeAlias = dict[str, Json]
"""A JSON object that an output is made of."""

Payload: TypeAlias = Mapping[str, Json]
"""The body of one Create Exam call, with secrets as references (see `reconciler.model.secrets`)."""

NO_PAYLOADS: Final[Mapping[Digest, Payload]] = MappingProxyType({})
"""An empty mapping of payloads by digest."""


def configuration_of(payload: Payload) -> Payload:
    """Return the `configuration` object, or an empty one."""
    found = payload.get("configuration")
    return found if isinstance(found, dict) else {}


def value_of(payload: Json, path: Iterable[str]) -> Json:
    """Return the value at `path` in `payload`; None if there is none."""
    value = payload
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


_CANONICAL: Final = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
)


def canonical_bytes(value: Json) -> bytes:
    """Return `value` in its one canonical spelling: UTF-8, keys sorted, no white space.

    Raises ValueError for NaN, infinities and lone surrogates, which have no JSON spelling.
    """
    return _CANONICAL.encode(value).encode("utf-8")


def digest_of(value: Json) -> Digest:
    """Return the digest of a value's canonical bytes."""
    return Digest(f"sha256:{hashlib.sha256(canonical_bytes(value)).hexdigest()}")
