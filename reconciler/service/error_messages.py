"""The message in an error response, for people. The service documents no reliable form of it."""

import json
from typing import Final

from reconciler.service.decodings import text_of, unescape_html, without_tags

_KEYS: Final = ("message", "error", "detail", "title", "description", "errors")
_CODES: Final = frozenset({"AUTHENTICATIONFAILED", "INVALIDINPUT", "RESOURCENOTFOUND", "INVALIDPROTOCOL"})
_MOST_DIGITS: Final = 300
_PAGE_CHARACTERS: Final = 16 * 1024


def decode(body: bytes) -> object:
    """Return the JSON in `body`; None for null or anything that is not JSON.

    A member that occurs twice with different values counts as null.
    """
    try:
        return json.loads(body, parse_int=_integer, object_pairs_hook=_members)
    except (ValueError, RecursionError):
        return None


def _integer(digits: str) -> int | str:
    """Return `digits` as a number, or unchanged if they are more than the interpreter converts."""
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        for name, value in pairs:
            if found[name] != value:
                found[name] = None
    return found


def code_in(document: object) -> str:
    """Return the documented error code in `document`; empty for a document without one."""
    error = document.get("error") if isinstance(document, dict) else None
    codes = [holder.get("code") for holder in (document, error) if isinstance(holder, dict)]
    return next((code for code in codes if isinstance(code, str) and code in _CODES), "")


def message_in(body: bytes, document: object, content_type: str) -> str:
    """Return the message in `body`, cut to 16 Ki characters; `document` is its JSON."""
    try:
        return (_readable(document) or _visible(body, content_type))[:_PAGE_CHARACTERS]
    except RecursionError:
        return _visible(body, content_type)


def _readable(document: object) -> str:
    if isinstance(document, str):
        return document
    if isinstance(document, dict):
        for key in _KEYS:
            if document.get(key):
                return _readable(document[key]) or json.dumps(document[key], ensure_ascii=False)
        return json.dumps(document, ensure_ascii=False)
    if isinstance(document, list):
        return "; ".join(filter(None, map(_readable, document)))
    return ""


def _visible(body: bytes, content_type: str) -> str:
    text = text_of(body)[:_PAGE_CHARACTERS]
    if "html" in content_type.lower() or text.lstrip()[:1] == "<":
        text = unescape_html(without_tags(text))
    return text
