"""Proposals of how one mistyped line should read; `slips` tries which of them is right.

Here are those of keys, dashes, indentation by tabs and foreign characters; `value_repairs` and `flow_repairs`
have the others.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from reconciler.manifest.fields import documented_fields
from reconciler.manifest.redaction import PASSWORD, PHRASE, announces_secret
from reconciler.manifest.yaml.lines import COMMENT, KEY, LEAD, QUOTED, indent_of

_NO_SPACE: Final = re.compile(rf"{LEAD}(?P<key>{KEY}|{QUOTED})[ \t]*:(?P<value>[^\s:/].*)")
_SIGN: Final = re.compile(rf"{LEAD}(?P<key>{KEY})[ \t]*(?P<sign>:?=>?|->)[ \t]*(?P<value>\S.*)")
_OTHER_SIGN: Final = re.compile(
    rf"{LEAD}(?P<key>[A-Za-z]\w*)[ \t]*(?P<sign>[,;.|]|-(?=\s)|[\u2013\u2014])[ \t]*(?P<value>\S.*)"
)
_NO_COLON: Final = re.compile(rf"{LEAD}(?P<key>{PHRASE}|{KEY}|{QUOTED})[ \t]+(?P<value>[^\s#:].*)")
_SIGN_ALONE: Final = re.compile(
    rf"{LEAD}(?P<key>(?:{KEY})(?<!\.))[ \t]*(?P<sign>[;,.=]|[=-]>)(?P<value>[ \t]*(?:#.*)?)"
)
_ALONE: Final = re.compile(rf"{LEAD}(?P<key>{KEY}|{QUOTED})(?P<value>[ \t]*(?:#.*)?)")
_NO_DASH_SPACE: Final = re.compile(r"(?P<lead>[^\S\n]*)-(?P<value>[^\s-].*)")
_BULLET: Final = re.compile(
    "(?P<lead>[^\\S\\n]*)(?P<sign>--+|[*+\u2022\u00b7\u2013\u2014])[ \t]+(?P<value>\\S.*)"
)
_BEFORE_KEY: Final = re.compile(
    rf"(?P<lead>[ \t]*)(?P<sign>[-*+>\u2022\u00b7\u2013\u2014])[ \t]+(?P<key>{KEY}):(?:[ \t].*)?"
)
_OTHER_COMMENT: Final = re.compile(r"(?P<lead>[^\S\n]*)(?P<sign>//+|--+|/\*+|;+|<!--|%)[ \t]*(?P<value>.*)")
_RULE: Final = re.compile(r"[ \t]*(?P<rule>-{2}|-{4,}|={2,}|_{2,}|\*{2,})[ \t]*")
_END: Final = re.compile(r"\.\.\.[ \t]*(?:#.*)?")
_ODD_COLONS: Final = {
    "\uff1a": "full-width colon",
    "\uff1b": "full-width semicolon",
    "\uff1d": "full-width equals sign",
    "\ufe55": "small colon",
    "\u2236": "ratio sign",
}
_ODD_COLON: Final = re.compile(
    rf"{LEAD}(?P<key>{KEY})[^\S\n]*(?P<sign>[{''.join(_ODD_COLONS)}])[^\S\n]*(?P<value>.*)"
)
_UNSEEN: Final = re.compile("[\u200b-\u200d\u2060\ufeff]")
_ODD_SPACE: Final = re.compile(r"[^\S \t\r\n]")
_SPACES: Final = {
    "\xa0": "a no-break space",
    "\u202f": "a narrow no-break space",
    "\u3000": "an ideographic space",
    "\u2003": "an em space",
    "\u2002": "an en space",
    "\u2009": "a thin space",
}
_COLON_ADVICE: Final = "Write `:` and a space between the key and its value."


class Slip(Struct, frozen=True):
    """A mistyped line: its index, the columns that are wrong, what is wrong, and the line as it should read.

    `advice` says what to do, without any text of the file. `line` may be two lines, or empty; if not
    `is_spelt`, it is only there to be tried, and the advice says more. `too_deep` is the number of
    spaces that a wrong indentation has too many; negative if it has too few.
    """

    index: int
    start: int
    end: int
    message: str
    advice: str
    line: str
    is_spelt: bool = True
    too_deep: int = 0


def of_odd_characters(index: int, line: str, beside: Sequence[str]) -> Iterator[Slip]:
    """Yield repairs of foreign colons and spaces; an indentation is tried as in the lines `beside` it."""
    if (found := _ODD_COLON.fullmatch(line)) is not None:
        odd = found["sign"]
        message = f"a {_ODD_COLONS[odd]} ({_point(odd)}) stands here in place of ':'"
        fixed = f"{found['lead']}{found['key']}: {found['value']}".rstrip()
        yield Slip(index, *found.span("sign"), message, _COLON_ADVICE, fixed)
    if (unseen := _UNSEEN.search(line)) is not None:
        message = f"an invisible character ({_point(unseen[0])}) stands here"
        yield Slip(index, *unseen.span(), message, "Type this line anew.", _UNSEEN.sub("", line))
    if (odd_space := _ODD_SPACE.search(line)) is not None:
        char = odd_space[0]
        message = f"{_SPACES.get(char, 'a foreign space')} ({_point(char)}) stands here in place of a space"
        body = _ODD_SPACE.sub(" ", line).lstrip(" ")
        is_indent = odd_space.start() < len(line) - len(line.lstrip())
        for width in dict.fromkeys((len(line) - len(body), *(map(indent_of, beside) if is_indent else ()))):
            fixed = f"{' ' * width}{body}"
            yield Slip(index, *odd_space.span(), message, "Type the spaces of this line anew.", fixed)


def of_tab(index: int, line: str, beside: Sequence[str]) -> Iterator[Slip]:
    """Yield repairs of a line that is indented with tabs: like a line `beside` it, or with usual widths."""
    indent = line[: len(line) - len(line.lstrip(" \t"))]
    at = indent.find("\t")
    widths = (*map(indent_of, beside), *(len(indent.expandtabs(size)) for size in (2, 4, 8)))
    for width in dict.fromkeys(widths if at >= 0 else ()):
        message, fixed = "a tab is used where YAML requires spaces", f"{' ' * width}{line[len(indent) :]}"
        yield Slip(index, at, at + 1, message, "Indent with spaces.", fixed, is_spelt=False)


def of_spelling(index: int, line: str) -> Iterator[Slip]:
    """Yield repairs of a key's colon, and of the space behind it."""
    yield from _of_signs(index, line)
    if (found := _NO_SPACE.fullmatch(line)) is not None:
        advice = "Write a space after the colon."
        yield _entry(index, found, "key", "the space after ':' is missing", advice)
    found = _NO_COLON.fullmatch(line)
    if found is not None and announces_secret(found["key"]):
        fixed = f"{found['lead']}{PASSWORD}: ''"
        message = "the ':' after the key is missing"
        yield Slip(index, *found.span("key"), message, _COLON_ADVICE, fixed, is_spelt=False)
    elif found is not None and (_is_field(found["key"]) or not _is_prose(line)):
        yield _entry(index, found, "key", "the ':' after the key is missing", _COLON_ADVICE)
    if (found := _ALONE.fullmatch(line)) is not None:
        fixed = f"{found['lead']}{found['key']}:{found['value']}"
        message = "the ':' after the key is missing"
        yield Slip(index, *found.span("key"), message, "Write `:` after the key.", fixed)


def _of_signs(index: int, line: str) -> Iterator[Slip]:
    """Yield repairs of another sign in the place of the colon; some count only after a documented field."""
    for form in (_SIGN, _OTHER_SIGN, _SIGN_ALONE):
        found = form.fullmatch(line)
        if found is not None and (form is _SIGN or _is_field(found["key"])):
            message = f"'{found['sign']}' stands here in place of ':'"
            yield _entry(index, found, "sign", message, _COLON_ADVICE)


def _entry(index: int, found: re.Match[str], wrong: str, message: str, advice: str) -> Slip:
    fixed = f"{found['lead']}{found['key']}: {found['value'].lstrip()}".rstrip()
    return Slip(index, *found.span(wrong), message, advice, fixed)


def of_items(index: int, line: str, before: str) -> Iterator[Slip]:
    """Yield repairs of the dash of a list's item; `before` is the line before it."""
    if (found := _NO_DASH_SPACE.fullmatch(line)) is not None:
        at, fixed = found.start("value"), f"{found['lead']}- {found['value']}"
        advice = "Write a space after the dash."
        yield Slip(index, at - 1, at, "the space after '-' is missing", advice, fixed)
    advice = "Begin each item of a list with `- `."
    if (found := _BULLET.fullmatch(line)) is not None:
        fixed, message = (
            f"{found['lead']}- {found['value']}",
            f"'{found['sign']}' stands here in place of '-'",
        )
        yield Slip(index, *found.span("sign"), message, advice, fixed)
    body = line.strip()
    is_item = before.lstrip().startswith("- ") and indent_of(line) >= indent_of(before)
    if is_item and not body.startswith("-") and not _has_key(body):
        fixed, indent = f"{' ' * indent_of(before)}- {body}", indent_of(line)
        message = "the '-' of this item is missing"
        yield Slip(index, indent, len(line.rstrip()), message, advice, fixed)


def of_signs_before_keys(index: int, line: str) -> Iterator[Slip]:
    """Yield repairs of a sign that stands before a field or an address, in or before its column."""
    found = _BEFORE_KEY.fullmatch(line)
    if found is None or not _is_field(found["key"]):
        return
    for lead in (found["lead"], " " * found.start("key")):
        message = f"'{found['sign']}' stands here before a key"
        advice = "Remove it, and line the key up with the others."
        fixed = f"{lead}{line[found.start('key') :]}"
        yield Slip(index, *found.span("sign"), message, advice, fixed)


def of_strays(index: int, line: str) -> Iterator[Slip]:
    """Yield repairs of a line that is no YAML: a comment in another language's form, a rule, an end."""
    if _END.fullmatch(line):
        message = "'...' ends the document here, and more follows"
        yield Slip(index, 0, len(line), message, "Remove this line.", "", is_spelt=False)
    if (found := _RULE.fullmatch(line)) is not None:
        message = "a line of signs is no YAML"
        yield Slip(
            index, *found.span("rule"), message, "Remove it, or begin it with `#`.", "", is_spelt=False
        )
    elif (found := _OTHER_COMMENT.fullmatch(line)) is not None:
        message = f"a comment begins with '#', not with '{found['sign']}'"
        fixed = f"{found['lead']}# {found['value']}".rstrip()
        yield Slip(index, *found.span("sign"), message, "Begin it with `#`.", fixed)


def of_prose(index: int, lines: Sequence[str], before: int | None, header: int | None) -> Iterator[Slip]:
    """Yield repairs of text that stands where a key is expected.

    It may go on the line `before`, be a text below the key in the line `header`, or be a comment.
    """
    line = lines[index]
    if not _is_prose(line) or (before is not None and _is_prose(lines[before])):
        return
    behind = lines[index + 1].strip() if index + 1 < len(lines) else ""
    begins_text = header is not None and header == before and not (behind and _is_field(behind.split(":")[0]))
    if header is not None and begins_text and lines[header].rstrip().endswith(":"):
        opened = lines[header].rstrip()
        message, advice = "text over several lines needs '|' behind its key", "Write ` |` after the colon."
        yield Slip(header, indent_of(opened), len(opened), message, advice, f"{opened} |")
    advice = "Write `key: value`, or begin a comment with `#`."
    if before is not None and ": " in lines[before]:
        advice = f"Indent it more if it goes on with line {before + 1}; begin a comment with `#`."
    fixed, body = f"{' ' * indent_of(line)}# {line.strip()}", line.rstrip()
    yield Slip(index, indent_of(line), len(body), "this line has no key", advice, fixed, is_spelt=False)


def _is_prose(line: str) -> bool:
    """Return whether `line` holds several words, two suffice at its start, and neither a key nor an item."""
    found = _NO_COLON.fullmatch(line)
    if found is None or _has_key(line.strip()):
        return False
    return not found["lead"] or not {" ", ","}.isdisjoint(COMMENT.sub("", found["value"]).strip())


def _has_key(text: str) -> bool:
    """Return whether `text` has a colon as a key has it, or begins with a documented field."""
    return ": " in text or text.endswith(":") or _is_field(text.split(maxsplit=1)[0])


def _is_field(key: str) -> bool:
    return key.strip("\"'") in documented_fields() or "/" in key


def _point(char: str) -> str:
    return f"U+{ord(char):04X}"
