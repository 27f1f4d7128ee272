"""Which field is meant by a name that is not known where it stands."""

import re
import unicodedata
from collections.abc import Collection
from functools import cache, lru_cache
from typing import Final

from msgspec import Struct

from reconciler.manifest.fields import Level, fields_of
from reconciler.manifest.yaml.nodes import TextRange
from reconciler.model.words import nearest

_LEVELS: Final[tuple[Level, ...]] = ("manifest", "exam", "configuration")
_NEARBY: Final[dict[Level, tuple[Level, ...]]] = {
    "manifest": _LEVELS,
    "exam": ("exam", "configuration", "manifest"),
    "configuration": ("configuration", "exam", "manifest"),
}
"""By level, where its unknown fields may belong, the likeliest first."""
_SYNONYMS: Final = {
    "installSid": "install installid appinstall applicationinstall applicationinstallsid",
    "title": "name examname examtitle label heading",
    "url": "link href uri examurl examlink quizurl quizlink weblink address",
    "course": "courseid coursecode coursename class",
    "type": "kind examtype",
    "timezone": "tz zone",
    "description": "desc summary details",
    "configuration": "config configs settings options",
    "contactUser": "contact contactperson contactuserid contactid user",
    "examDeliverySystemModule": "lms module system deliverysystem deliverymodule deliverysystemmodule",
    "useProctorManager": "proctormanager",
    "requireApproval": "approval approvalrequired requiresapproval needsapproval",
    "enableAppointmentSuggestions": "appointmentsuggestions suggestions suggestappointments",
    "isLimitedScope": "limitedscope",
    "profiles": "template templates",
    "environments": "env envs",
    "examOpenDate": "start starts startdate starttime startsat begin begins from open opens opendate opentime"
    " opensat openat examstart examopen examopens examstartdate availablefrom unlockat unlocksat",
    "examCloseDate": "end ends enddate endtime endsat until to close closes closedate closetime closesat"
    " closeat examend examclose examcloses examenddate availableuntil due duedate dueat lockat locksat",
    "scheduleOpenDate": "bookingopen bookingopens bookingstart bookingopendate schedulestart scheduleopens",
    "scheduleCloseDate": "bookingclose bookingcloses bookingend bookingclosedate scheduleend schedulecloses",
    "password": "accesscode passcode passphrase passwd pwd pw code pin key examcode quizcode quizpassword"
    " exampassword entrycode unlockcode",
    "duration": "minutes timelimit time length examduration examlength durationminutes durationinminutes",
    "attempts": "tries maxattempts allowedattempts attemptsallowed numberofattempts",
    "requiredSoftware": "software",
    "studentNotes": "note notes instructions studentinstructions notesforstudents",
    "proctorNotes": "note notes instructions proctorinstructions notesforproctors",
    "permittedNotes": "note notes",
    "proctorTypes": "proctor proctors proctoring proctoringtype modality",
    "virtualCalculatorType": "calculatortype virtualcalculator",
    "apiExamId": "externalid examid",
}
"""By field, what people write for it, folded as `_folded` does; a word may stand for several."""
_ALLOWING: Final = re.compile(
    r"^(?:allows?|allowed|permits?|can(?:use|have)|may(?:use|have))|allowed$|permitted$"
)
LIKE: Final = 0.75
_VERY_LIKE: Final = 0.85
_ODD: Final = re.compile(
    r"[^\S ]|[\N{ZERO WIDTH SPACE}-\N{RIGHT-TO-LEFT MARK}\N{WORD JOINER}\N{ZERO WIDTH NO-BREAK SPACE}]"
)
_COLONS: Final = "\N{FULLWIDTH COLON}\N{SMALL COLON}\N{RATIO}"
_SIGN: Final = re.compile(rf"(?<=.)[:={_COLONS}]", re.DOTALL)
_GLUED: Final = re.compile(rf"(?P<name>[\w.-]+) *(?P<sign>[:={_COLONS}]| |[^\w.-])", re.DOTALL)


class Meant(Struct, frozen=True):
    """Fields that may be meant, all of which stand at `level`; one if it is clear."""

    names: tuple[str, ...]
    level: Level


class Fault(Struct, frozen=True):
    """A key that is a field and more: the field, what is wrong, and a hint.

    If `is_odd`, it is the field apart from characters that nobody sees; otherwise it has a part of the value.
    """

    name: str
    message: str
    hint: str
    is_odd: bool = False


def end_of_name(name: str, key: str, at: TextRange) -> int:
    """Return the offset at which `name`, the beginning of the `key` at `at`, ends; the key may be quoted."""
    return at.end if name == key else at.start + len(name) + (at.end - at.start > len(key))


def cut_key(key: str) -> str:
    """Return `key` up to what may be a value: behind a colon or an equals sign, or a space.

    Words of which a field is meant together are no value.
    """
    head = _SIGN.split(key, maxsplit=1)[0] or key
    first, _, more = head.partition(" ")
    if not more or _is_name(head):
        return head
    return first if _is_name(first) or meant_by(head, "manifest") is None else head


def level_of(fields: Collection[str]) -> Level | None:
    """Return the level at which `fields` are known."""
    return next((level for level in _LEVELS if fields_of(level) == set(fields)), None)


@lru_cache(maxsize=4096)
def meant_by(field: str, level: Level, *, is_mapping: bool = False) -> Meant | None:
    """Return what is meant by the unknown `field` at `level`; None if it cannot be told.

    `is_mapping` says of its value that it is one, so that `course` at the top of a file stands for `courses`.
    """
    word = _folded(field.removeprefix("configuration."))
    if is_mapping and (near := nearest(field, sorted(fields_of(level)), likeness=_VERY_LIKE)):
        return Meant(tuple(near), level)
    levels = _NEARBY[level]
    for other in levels:
        same = [name for name in fields_of(other) if _folded(name) == word]
        if same:
            return Meant((same[0],), other)
    if names := _synonyms().get(word) or _permitted(word):
        return Meant(names, next(other for other in levels if names[0] in fields_of(other)))
    for other in levels:
        known = sorted(fields_of(other))
        near = nearest(field, known, likeness=LIKE)
        near = near or [name for name in known if sorted(_folded(name)) == sorted(word)]
        if near:
            return Meant(tuple(near), other)
    return None


@cache
def _synonyms() -> dict[str, tuple[str, ...]]:
    """Return by each word what it stands for."""
    found: dict[str, tuple[str, ...]] = {}
    for name, words in _SYNONYMS.items():
        for word in words.split():
            found[word] = (*found.get(word, ()), name)
    return found


def _permitted(word: str) -> tuple[str, ...]:
    """Return the field that permits what `word` names, as `allowCalculators` does."""
    wanted = f"permitted{_ALLOWING.sub('', word)}".rstrip("s")
    return tuple(name for name in fields_of("configuration") if _folded(name).rstrip("s") == wanted)


def fault_of(key: str) -> Fault | None:
    """Return what is wrong with `key`, which is a field and more; None if it is something else.

    The text behind the field is never quoted: it may be a secret.
    """
    clean = _ODD.sub("", key).strip()
    odd = _ODD.search(key)
    if odd is not None and clean in _known():
        message = f"there is a {_spelt(odd[0])} in the key '{clean}'"
        return Fault(clean, message, f"Remove it: write `{clean}:`.", is_odd=True)
    found = _GLUED.match(clean)
    if found is None or found["name"] not in _known():
        return None
    name, sign = found["name"], found["sign"]
    if sign == " " and _is_name(key):
        return None  # a name in several words, such as `Course ID`
    hint = f"Write `{name}: …`, and text with `: ` in it in quotes."
    if clean[found.end("name") :].lstrip().startswith("{"):
        hint = f"Write `{name}: {{…}}`."
    return Fault(name, _words_of(sign, name), hint)


def _words_of(sign: str, name: str) -> str:
    """Return what is wrong if `sign` stands after the field `name`."""
    match sign:
        case ":":
            return f"the space after '{name}:' is missing"
        case "=":
            return f"'=' stands after '{name}' in place of ':'"
        case _ if sign in _COLONS:
            return f"a {_spelt(sign)} stands after '{name}' in place of ':'"
        case _:
            return f"the ':' after '{name}' is missing"


def _is_name(word: str) -> bool:
    """Return whether `word` is a field, however it is spelt, or stands for one."""
    return _folded(word) in _known() or is_synonym(word)


def is_synonym(word: str) -> bool:
    """Return whether people write `word` for a field, and it is not that field misspelt."""
    return _folded(word) in _synonyms()


@cache
def _known() -> frozenset[str]:
    """Return the fields of all levels, and these folded."""
    names = frozenset[str]().union(*map(fields_of, _LEVELS))
    return names.union(map(_folded, names))


def _folded(name: str) -> str:
    """Return the letters and digits of `name`, in lower case."""
    return "".join(filter(str.isalnum, name.casefold()))


def _spelt(char: str) -> str:
    return f"{unicodedata.name(char, 'control character').lower()} (U+{ord(char):04X})"
