"""Snapshots read along what is known already: of nearly all entries, the payload is the one that is declared.

Promise: what is taken is what reading the whole text would give. Every byte is looked at, and a text is taken
only if it is just as this product writes it: so what is spelt as a known payload is that payload. Anything
else is left to those who read everything, complaints included.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, TypeAlias

import orjson
from msgspec import Struct

from reconciler.model.identities import (
    Address,
    ConfigurationSid,
    CourseSid,
    Digest,
    ExamSid,
    InstallSid,
    is_address,
)
from reconciler.model.payloads import Payload
from reconciler.model.state import Entry
from reconciler.statefile import snapshot_text

Decode: TypeAlias = Callable[[object, str], Entry]
_Found: TypeAlias = tuple[str, Entry, bytes, int]
"""An address, its entry, the comma behind it if there is one, and where the next entry is."""

_EXAMS: Final = b'{\n  "exams": {\n'
_END_OF_EXAMS: Final = b"  },\n"
_NO_EXAMS: Final = b'{\n  "exams": {},\n'
_BEGINS: Final = re.compile(
    rb'    "([^"]{1,128})": \{\n'
    rb'(?:      "configurationSid": "(EC[a-f0-9]{32})",\n)?'
    rb'      "courseSid": "(CU[a-f0-9]{32})",\n'
    rb'      "createdAt": "([^"]{24})",\n'
    rb'      "digest": "([^"]{71})",\n'
    rb'      "installSid": "(AI[a-f0-9]{32})",\n'
    rb'      "payload": '
)
_ENDS: Final = re.compile(rb',\n      "sid": "(EX[a-f0-9]{32})"\n    \}(,?)\n')
_ENDS_ANYHOW: Final = re.compile(rb"\n    \}(,?)\n")
"""No text in JSON holds a line end as it is, so no other line of an entry begins with just four spaces."""

_BEFORE_ENTRY: Final = b'{\n  "exams": {\n'
_BEHIND_ENTRY: Final = b"\n  }\n}\n"
_INDENTED: Final = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
_BEFORE_PAYLOAD: Final = len(b'{\n  "": {\n    "": {\n      "": ')
_BEHIND_PAYLOAD: Final = -len(b"\n    }\n  }\n}")


class Skimmed(Struct, frozen=True):
    """A snapshot's document without its exams, and these."""

    rest: object
    entries: dict[Address, Entry]


def skim(data: bytes, payloads: Mapping[Digest, Payload], decode: Decode) -> Skimmed | None:
    """What `data` says; None where all of it is to be read to know.

    `payloads` are those that are known, by their digests: entries hold them, and no copies. An entry with
    another one is given to `decode`, beside its address.
    """
    try:
        return _skimmed(data, payloads, decode)
    except (ValueError, orjson.JSONEncodeError):  # what is wrong is said by who reads everything
        return None


def _skimmed(data: bytes, payloads: Mapping[Digest, Payload], decode: Decode) -> Skimmed | None:
    """As `skim`, which ValueError may keep from its end."""
    at, last, comma = len(_EXAMS), "", b"," if data.startswith(_EXAMS) else b""
    entries: dict[Address, Entry] = {}
    while comma:
        found = _known_entry(data, at, payloads) or _any_entry(data, at, decode)
        if found is None:
            return None
        address, entry, comma, at = found
        if address <= last or not is_address(address):
            return None
        entries[Address(address)] = entry
        last = address
    if not data.startswith(_END_OF_EXAMS, at):
        return None
    certain = snapshot_text.certainly(_NO_EXAMS + data[at + len(_END_OF_EXAMS) :])
    return None if certain is None else Skimmed(certain, entries)


def _known_entry(data: bytes, at: int, payloads: Mapping[Digest, Payload]) -> _Found | None:
    """The entry at `at` of `data`; None unless its payload is spelt as the one of `payloads`."""
    begun = _BEGINS.match(data, at)
    if begun is None:
        return None
    address, configuration_sid, course_sid, created_at, spelt_digest, install_sid = begun.groups()
    digest = Digest(spelt_digest.decode())
    payload = payloads.get(digest)
    if payload is None:
        return None
    spelt = orjson.dumps({"": {"": {"": payload}}}, option=_INDENTED)[_BEFORE_PAYLOAD:_BEHIND_PAYLOAD]
    at = begun.end()
    ended = _ENDS.match(data, at + len(spelt))
    moment = datetime.fromisoformat(created_at.decode())
    if ended is None or not data.startswith(spelt, at) or moment.tzinfo is not UTC:
        return None
    sid, comma = ended.groups()
    entry = Entry(
        sid=ExamSid(sid.decode()),
        install_sid=InstallSid(install_sid.decode()),
        course_sid=CourseSid(course_sid.decode()),
        digest=digest,
        payload=payload,
        created_at=moment,
        configuration_sid=(
            None if configuration_sid is None else ConfigurationSid(configuration_sid.decode())
        ),
    )
    return address.decode(), entry, comma, ended.end()


def _any_entry(data: bytes, at: int, decode: Decode) -> _Found | None:
    """The entry at `at` of `data`; None where its text is not certainly as this product writes it."""
    ended = _ENDS_ANYHOW.search(data, at)
    if ended is None:
        return None
    end = ended.start(1)
    document = snapshot_text.certainly(_BEFORE_ENTRY + data[at:end] + _BEHIND_ENTRY)
    match document:
        case {"exams": dict(found), **more} if len(found) == 1 and not more:
            ((address, value),) = found.items()
            return address, decode(value, address), ended[1], ended.end()
    return None
