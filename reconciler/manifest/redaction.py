"""Redaction: words that announce a secret, and how much of a line may be shown before one.

After the key of a secret nothing is shown except a complete reference such as `{fromEnv: EXAM_SECRET_NAME}`;
after the reference only further fields are shown, and no comment.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from reconciler.model.secrets import SECRET_VARIABLE_PREFIX
from reconciler.rules.registry import ADJUSTABLE

MASK: Final = "***"

_PHRASES: Final = (
    *("pass word", "pass code", "pass phrase", "pass key", "api key", "access key", "private key"),
    *("access code", "access pin", "entry code", "unlock code", "exam code", "quiz code", "key code"),
)
"""Words that announce a secret together, also with other signs than a space between them."""
_ANNOUNCING: Final = (
    *("pass", "pwd", "secret", "token", "credential", "kennwort", "contrase", "parol", "wachtwoord", "senha"),
    *(phrase.replace(" ", "") for phrase in _PHRASES),
    *("пароль", "密码", "密碼", "パスワード", "비밀번호"),
)
_ANNOUNCING_AS_KEYS: Final = frozenset({"auth", "code", "key", "pin", "psw", "pswd", "pw"})
"""Words that announce a secret if they are the first or second word of a line, or a colon or `=` follows."""
PASSWORD: Final = "password"  # noqa: S105 - the name of the field, not a password
REFERENCE_KEYS: Final = frozenset({"fromEnv", "fromFile"})
"""The keys of references, which stand for a secret."""
PASSWORD_ADVICE: Final = f"Write a password as `{PASSWORD}: {{fromEnv: {SECRET_VARIABLE_PREFIX}NAME}}`."
_LEAST: Final = 0.7
_LIKELY: Final = ((PASSWORD, _LEAST), ("accesscode", 0.8))
"""Words whose misspellings announce a secret too, and how much these must be like them."""
_MAX_WORD: Final = 14
"""A longer word has more letters than any misspelling of these."""
PHRASE: Final = rf"(?i:{'|'.join(_PHRASES)})".replace(" ", r"(?:_|[^\w\r\n:=,]){1,9}")
WORD: Final = re.compile(rf"{PHRASE}|[^\W_]+|[\w.@$-]+|//[^/\s@:]*:(?=[^/\s@]*@)")
_ONE_WORD: Final = re.compile(r"[^\w:=]*+(?:\w++[^\w:=]++)?")
_ASSIGNMENT: Final = re.compile(r"""["']?\s*[:=]""")
_COLON: Final = re.compile(r"""["']?\s*:""")
_REFERENCE: Final = re.compile(
    rf"""["']?[ ]*:[ ]+{{[ ]*(?:fromEnv:[ ]+(["']?){SECRET_VARIABLE_PREFIX}(?:[A-Za-z0-9_]|{{[a-z]+}})+\1"""
    r"""|fromFile:[ ]+(["']?)[\w.][\w./-]*\2)[ ]*}[\s}\],]*"""
)
_PART_OF_REFERENCE: Final = re.compile(
    rf"[\s\"'{{(\[]*(?:fromEnv[\s\"':=]*)?(?:{SECRET_VARIABLE_PREFIX}\w+)?[\s\"'}})\],]*"
)
_NEXT_FIELD: Final = re.compile(r"(?:(?<=,)|(?<=, ))[A-Za-z]+: ")
_ESCAPE: Final = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})")


@lru_cache(maxsize=4096)
def announces_secret(key: str) -> bool:
    """Return whether the value of `key` must be treated as a secret; misspelt keys count too.

    A key with a slash is the address of an exam, and does not; nor does the code of a rule.
    """
    if "/" in key or key in ADJUSTABLE:
        return False
    word = _folded(key)
    return word in _ANNOUNCING_AS_KEYS or _announces(word)


def _announces(word: str) -> bool:
    """Return whether the folded `word` announces a secret in any position."""
    if any(part in word for part in _ANNOUNCING):
        return True
    return len(word) <= _MAX_WORD and any(_likeness(word, known) >= least for known, least in _LIKELY)


def _folded(key: str) -> str:
    """Return the letters and digits of `key`, in lower case."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", key).casefold()))


def _likeness(word: str, known: str) -> float:
    """Return how much `word` is like `known`, from 0 to 1; 0 stands for any small value."""
    if _most_likeness(word, known) < _LEAST:
        return 0
    from difflib import SequenceMatcher  # noqa: PLC0415 - needed only for a possible misspelling

    return SequenceMatcher(None, word, known).ratio()


def _most_likeness(word: str, known: str) -> float:
    """Return an upper bound of the likeness of two words, much faster than the likeness itself."""
    shared = sum(map(known.__contains__, word))
    return 2 * min(shared, len(known)) / (len(word) + len(known))


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


def is_part_of_reference(text: str) -> bool:
    """Return whether `text` holds nothing but the name of a secret's variable, or `fromEnv`."""
    return _PART_OF_REFERENCE.fullmatch(text) is not None


def begins_with_secret(line: str) -> bool:
    """Return whether the first word on `line` announces a secret."""
    first = WORD.search(line)
    return first is not None and announces_secret(first[0])


def behind_colon(line: str, end: int) -> int:
    """Return the end of the colon after a key that ends at `end`; `end` if no colon follows."""
    found = _COLON.match(line, end)
    return end if found is None else found.end()


def shown_length(line: str) -> int:
    """Return how many characters of `line` may be shown: up to the first word that announces a secret.

    After a complete reference, only another field of the same mapping may be shown.
    """
    return _shown(line)[0]


def is_loose(line: str) -> bool:
    """Return whether `line` announces a secret that is no complete reference, and may go on below."""
    return _shown(line)[1]


def _shown(line: str) -> tuple[int, bool]:
    """Return how many characters of `line` may be shown, and whether a secret in the rest may go on below."""
    at = 0
    while (end := _announcement(line, at)) is not None:
        reference = _REFERENCE.match(line, end)
        if reference is None:
            return behind_colon(line, end), True
        at = reference.end()
        if "#" in line[at:] or (at < len(line) and _NEXT_FIELD.match(line, at) is None):
            return at, not line.startswith("#", at)
    return len(line), False


def _announcement(line: str, at: int) -> int | None:
    """Return the end of the first word on `line`, from `at` on, that announces a secret, if any.

    An escape counts, because it may spell any word; so does the user in a URL, before the password.
    """
    words = (found.end() for found in WORD.finditer(line, at) if _announces_at(line, found))
    end = next(words, None)
    escape = _ESCAPE.search(line, at, len(line) if end is None else end)
    return end if escape is None else escape.start()


def may_announce(word: str) -> bool:
    """Return whether `word`, a match of WORD, may announce a secret."""
    folded = _folded(word)
    return word.startswith("//") or folded in _ANNOUNCING_AS_KEYS or _announces(folded)


def _announces_at(line: str, found: re.Match[str]) -> bool:
    word = found.group()
    if word.startswith("//"):
        return True
    folded = _folded(word)
    if folded in _ANNOUNCING_AS_KEYS:
        is_first = _ONE_WORD.fullmatch(line, 0, found.start()) is not None
        return is_first or _ASSIGNMENT.match(line, found.end()) is not None
    return _announces(folded)
