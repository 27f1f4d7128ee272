"""Writes values as YAML of one line that reads back as the same value, whatever they hold."""

import json
import re
from typing import Final

from reconciler.manifest.yaml.scalars import resolve_plain
from reconciler.model.payloads import Json

_PLAIN: Final = re.compile(r"[^\W\d_](?:[\w.,;!?'()/&+%@=~|*-]|(?<=\S)[:#](?=[^\s])| (?=[^\s#]))*")
"""Text that needs no quotes: letters first, and no sign that YAML takes for structure."""
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
"""Words that some readers of YAML take for other values than text."""
_ESCAPES: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def scalar(value: Json) -> str:
    """Return `value`, which is no mapping, as YAML."""
    if isinstance(value, str):
        return text_scalar(value)
    if isinstance(value, list):
        return f"[{', '.join(_quoted(str(each)) for each in value)}]"
    return json.dumps(value)


def text_scalar(text: str) -> str:
    """Return `text` as a scalar: plain where that is safe, else in double quotes with escapes."""
    is_plain = text.isprintable() and _PLAIN.fullmatch(text) and text.casefold() not in _WORDS
    return text if is_plain and resolve_plain(text) == text else _quoted(text)


def _quoted(text: str) -> str:
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable() or char == "\N{NO-BREAK SPACE}":
        return char
    return f"\\U{ord(char):08x}"
