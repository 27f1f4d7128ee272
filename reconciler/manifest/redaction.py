"""Which words announce a secret, and where a line of source must end so that it shows none.

Nothing behind the key of a secret is ever shown, but for a complete reference such as
`{fromEnv: EXAM_SECRET_NAME}`; and nothing behind that, not even a comment.
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
"""Words that announce a secret only where a colon or an equals sign follows."""
_SECRET_WORD: Final = "password"  # noqa: S105 - the word, not one
_LIKENESS: Final = 0.7
_MAX_WORD: Final = 14
"""Of a longer word too much is left over, even if it has every letter of `password`."""
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
    """Whether a value under `key` is to be taken for a secret, however its key is spelt or misspelt.

    Addresses of exams, which have slashes, announce none.
    """
    if "/" in key:
        return False
    word = _folded(key)
    return word in _ANNOUNCING_AS_KEYS or _announces(word)


def _announces(word: str) -> bool:
    """Whether `word`, which is folded, announces a secret wherever it stands."""
    if any(part in word for part in _ANNOUNCING):
        return True
    if len(word) > _MAX_WORD or _most_likeness(word) < _LIKENESS:
        return False
    from difflib import SequenceMatcher  # noqa: PLC0415 - only what may be a slip needs it

    return SequenceMatcher(None, word, _SECRET_WORD).ratio() >= _LIKENESS


def _folded(key: str) -> str:
    """`key` in lower case, without what stands between its letters and digits."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", key).casefold()))


def _most_likeness(word: str) -> float:
    """What the likeness of `word` cannot be above, in a fraction of the time that telling it takes."""
    shared = sum(map(_SECRET_WORD.__contains__, word))
    return 2 * min(shared, len(_SECRET_WORD)) / (len(word) + len(_SECRET_WORD))


def printable(text: str) -> str:
    """`text` with one visible character in place of each that would steer a terminal."""
    if text.isascii() and text.isprintable():
        return text  # as nearly always
    return "".join(" " if char == "\t" else char if _is_shown(char) else "\ufffd" for char in text)


def _is_shown(char: str) -> bool:
    return (char.isascii() and char.isprintable()) or unicodedata.category(char)[0] not in "CZ" or char == " "


def is_reference(text: str, key_end: int) -> bool:
    """Whether a complete reference stands behind the key that ends at `key_end`, on its line."""
    return _REFERENCE.match(text, key_end) is not None


def behind_colon(line: str, end: int) -> int:
    """The end of the colon that follows a key which ends at `end`; `end` where none follows."""
    found = _COLON.match(line, end)
    return end if found is None else found.end()


def shown_length(line: str) -> int:
    """How much of `line` may be shown, going by its words: up to the first that announces a secret."""
    end = _announcement(line)
    if end is None:
        return len(line)
    reference = _REFERENCE.match(line, end)
    return behind_colon(line, end) if reference is None else reference.end()


def shown_length_unparsed(lines: Sequence[str], index: int) -> int:
    """How much of the line at `index` may be shown of a text that could not be parsed.

    It ends behind the first key that is no documented field, too. Nothing is shown after a secret that may
    go on, or where keys or values are indirect.
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
    """Where the first word on `line` ends that announces a secret; None where none does.

    An escape may spell any word, and a URL announces the password behind its user.
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
    """Whether `key` is neither a documented field nor an address."""
    return key not in _documented() and "/" not in key


@cache
def _documented() -> frozenset[str]:
    """The names of all fields of manifests and of the workspace file."""
    return frozenset(name for schema in ("manifest", "workspace") for name in _fields(schemas.load(schema)))


def _fields(schema: object) -> set[str]:
    """The names of all properties anywhere in `schema`."""
    if isinstance(schema, list):
        return {name for inner in schema for name in _fields(inner)}
    if not isinstance(schema, dict):
        return set()
    properties = schema.get("properties")
    return {*(properties if isinstance(properties, dict) else ()), *_fields(list(schema.values()))}


def _is_closed(lines: Sequence[str], at: int, end: int, index: int) -> bool:
    """Whether the secret whose word ends at `end` of line `at` has surely ended before line `index`."""
    rest = lines[at][end:]
    if not any(form.fullmatch(rest) for form in (_REFERENCE, _CLOSED_QUOTED, _CLOSED_PLAIN)):
        return False
    indent = _indent(lines[at])
    return any(line.strip() and _indent(line) <= indent for line in lines[at + 1 : index + 1])


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
