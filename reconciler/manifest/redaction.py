"""Redaction: words that announce a secret, and how much of a line may be shown before one.

After the key of a secret nothing is shown except a complete reference such as `{fromEnv: EXAM_SECRET_NAME}`;
and nothing after the reference, not even a comment.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final

from reconciler import schemas
from reconciler.model.secrets import SECRET_VARIABLE_PREFIX

MASK: Final = "***"

_ANNOUNCING: Final = (
    *("pass", "pwd", "secret", "token", "credential", "kennwort", "contrase", "parol", "wachtwoord", "senha"),
    *("apikey", "accesskey", "privatekey", "accesscode", "entrycode", "unlockcode", "examcode", "keycode"),
    *("пароль", "密码", "密碼", "パスワード", "비밀번호"),
)
_ANNOUNCING_AS_KEYS: Final = frozenset({"auth", "code", "key", "pin", "psw", "pswd", "pw"})
"""Words that announce a secret only if a colon or an equals sign follows."""
PASSWORD: Final = "password"  # noqa: S105 - the name of the field, not a password
_LIKENESS: Final = 0.7
_MAX_WORD: Final = 14
"""A longer word is not similar enough, even if it has every letter of `password`."""
_WORD: Final = re.compile(
    r"(?i:pass[ _-](?:word|code|phrase|key))|[^\W_]+|[\w.@$-]+|//[^/\s@:]*:(?=[^/\s@]*@)"
)
_ASSIGNMENT: Final = re.compile(r"""["']?\s*[:=]""")
_COLON: Final = re.compile(r"""["']?\s*:""")
_REFERENCE: Final = re.compile(
    rf"""["']?[ ]*:[ ]+{{[ ]*(?:fromEnv:[ ]+(["']?){SECRET_VARIABLE_PREFIX}[A-Za-z0-9_]+\1"""
    r"""|fromFile:[ ]+(["']?)[\w.][\w./-]*\2)[ ]*}[\s}\],]*"""
)
_KEY: Final = re.compile(r"""([^\s,{}\[\]:"']+)["']?\s*:(?=\s|$)""")
_CLOSED_PLAIN: Final = re.compile(r"""\s*:?\s+[^\s"'|>&*{\[!?#][^"'{}\[\]#&*]*(?:\s#.*)?""")
_CLOSED_QUOTED: Final = re.compile(r"""\s*["']?\s*:\s*(?:"[^"\\]*"|'[^']*')\s*(?:#.*)?""")
_ESCAPE: Final = re.compile(r"\\[xuU]")
_INDIRECT: Final = re.compile(r"[*&]\S")


@lru_cache(maxsize=4096)
def announces_secret(key: str) -> bool:
    """Return whether the value of `key` must be treated as a secret; misspelt keys count too.

    A key with a slash is the address of an exam, and does not.
    """
    if "/" in key:
        return False
    word = _folded(key)
    return word in _ANNOUNCING_AS_KEYS or _announces(word)


def _announces(word: str) -> bool:
    """Return whether the folded `word` announces a secret in any position."""
    if any(part in word for part in _ANNOUNCING):
        return True
    if len(word) > _MAX_WORD or _most_likeness(word) < _LIKENESS:
        return False
    from difflib import SequenceMatcher  # noqa: PLC0415 - needed only for a possible misspelling

    return SequenceMatcher(None, word, PASSWORD).ratio() >= _LIKENESS


def _folded(key: str) -> str:
    """Return the letters and digits of `key`, in lower case."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", key).casefold()))


def _most_likeness(word: str) -> float:
    """Return an upper bound of the likeness of `word`, much faster than the likeness itself."""
    shared = sum(map(PASSWORD.__contains__, word))
    return 2 * min(shared, len(PASSWORD)) / (len(word) + len(PASSWORD))


def printable(text: str) -> str:
    """Return `text` with each terminal control character replaced by a visible one."""
    if text.isascii() and text.isprintable():
        return text  # as nearly always
    return "".join(" " if char == "\t" else char if _is_shown(char) else "\ufffd" for char in text)


def _is_shown(char: str) -> bool:
    return (char.isascii() and char.isprintable()) or unicodedata.category(char)[0] not in "CZ" or char == " "


def is_reference(text: str, key_end: int) -> bool:
    """Return whether a complete reference follows the key that ends at `key_end`, on its line."""
    return _REFERENCE.match(text, key_end) is not None


def behind_colon(line: str, end: int) -> int:
    """Return the end of the colon after a key that ends at `end`; `end` if no colon follows."""
    found = _COLON.match(line, end)
    return end if found is None else found.end()


def shown_length(line: str) -> int:
    """Return how many characters of `line` may be shown: up to the first word that announces a secret."""
    end = _announcement(line)
    if end is None:
        return len(line)
    reference = _REFERENCE.match(line, end)
    return behind_colon(line, end) if reference is None else reference.end()


def shown_length_unparsed(lines: Sequence[str], index: int) -> int:
    """Return how many characters of the line at `index` may be shown, in a text that could not be parsed.

    The first key that is not a documented field ends it too. It is 0 after a secret that may go on to this
    line, and for a text with secrets and anchors or aliases.
    """
    announced = [(at, end) for at, line in enumerate(lines) if (end := _announcement(line)) is not None]
    if announced and any(map(_INDIRECT.search, lines)):
        return 0
    if any(not _is_closed(lines, at, end, index) for at, end in announced if at < index):
        return 0
    line = lines[index]
    unknown = (key.end() for key in _KEY.finditer(line) if _is_unknown(key[1]))
    return min(shown_length(line), next(unknown, len(line)))


def _announcement(line: str) -> int | None:
    """Return the end of the first word on `line` that announces a secret, if any.

    An escape counts, because it may spell any word; so does the user in a URL, before the password.
    """
    escape = _ESCAPE.search(line)
    ends = (found.end() for found in _WORD.finditer(line) if _announces_at(line, found))
    return min((*([] if escape is None else [escape.start()]), *ends), default=None)


def _announces_at(line: str, found: re.Match[str]) -> bool:
    word = found.group()
    if word.startswith("//"):
        return True
    folded = _folded(word)
    if folded in _ANNOUNCING_AS_KEYS:
        return _ASSIGNMENT.match(line, found.end()) is not None
    return _announces(folded)


def _is_unknown(key: str) -> bool:
    """Return whether `key` is neither a documented field nor an address."""
    return key not in _documented() and "/" not in key


@cache
def _documented() -> frozenset[str]:
    """Return the names of all fields of manifests and of the workspace file."""
    return frozenset(name for schema in ("manifest", "workspace") for name in _fields(schemas.load(schema)))


def _fields(schema: object) -> set[str]:
    """Return the names of all properties anywhere in `schema`."""
    if isinstance(schema, list):
        return {name for inner in schema for name in _fields(inner)}
    if not isinstance(schema, dict):
        return set()
    properties = schema.get("properties")
    return {*(properties if isinstance(properties, dict) else ()), *_fields(list(schema.values()))}


def _is_closed(lines: Sequence[str], at: int, end: int, index: int) -> bool:
    """Return whether the secret announced in line `at`, up to `end`, surely ends before line `index`."""
    rest = lines[at][end:]
    if not any(form.fullmatch(rest) for form in (_REFERENCE, _CLOSED_QUOTED, _CLOSED_PLAIN)):
        return False
    indent = _indent(lines[at])
    return any(line.strip() and _indent(line) <= indent for line in lines[at + 1 : index + 1])


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
