"""Payloads: the JSON bodies to be sent, their canonical bytes and their digests."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

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


_BY_JSON: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
_BY_MSGSPEC: Final = msgspec.json.Encoder(order="sorted")
_SPELT_ALIKE: Final[frozenset[type]] = frozenset({str, int, bool, type(None)})
"""Classes of values that both libraries spell alike: floats are `1e+16` for json, and `1e16` for msgspec."""


def canonical_bytes(value: Json) -> bytes:
    """Return `value` in its one canonical spelling: UTF-8, keys sorted, no white space.

    It is that of json; msgspec takes half the time, and writes what both spell alike. Raises ValueError for
    NaN, infinities and lone surrogates, which have no JSON spelling.
    """
    if _is_spelt_alike(value):
        return _BY_MSGSPEC.encode(value)
    return _BY_JSON.encode(value).encode("utf-8")


def _is_spelt_alike(value: Json) -> bool:
    """Return whether json and msgspec give the same bytes for `value`, however deep it is."""
    levels: list[Iterable[Any]] = [[value]]
    for level in levels:  # the list grows on the way
        for part in level:
            kind = part.__class__
            if kind in _SPELT_ALIKE:
                continue
            if kind is dict:
                levels.append(part.values())
            elif kind is list:
                levels.append(part)
            else:
                return False
    return True


def digest_of(value: Json) -> Digest:
    """Return the digest of a value's canonical bytes."""
    return Digest(f"sha256:{hashlib.sha256(canonical_bytes(value)).hexdigest()}")
