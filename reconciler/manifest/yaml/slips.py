"""Finds the slip behind a syntax error: the line that was mistyped, which is often not where parsing stopped.

For the lines near the error, repairs are proposed, the most specific first. A repair is the cause only if it
lets the parser go on beyond the line of the error. A repair is tried on the lines around it alone, so that a
long file costs no more than a short one.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import yaml
from msgspec import Struct

_NEAR: Final = 8
_MOST_ODD: Final = 60
_MOST_FAR: Final = 3
_BEHIND: Final = 40
_MOST_TRIED: Final = 60
_TOP: Final = 3
_DEEPEST: Final = 1000
"""Columns by which the address of an exam is usually indented: a block of its own begins there."""

_CONFLICT: Final = re.compile(r"(?:<{7}|={7}|>{7}|\|{7})(?: |$)")
_FENCE: Final = re.compile(r"(?:```|~~~)")
_KEY: Final = r"[^\W\d][\w.-]*|[A-Za-z0-9][\w.-]*/[\w./-]*"
_LEAD: Final = r"(?P<lead>[^\S\n]*(?:-[^\S\n]+)*)"
_ENTRY: Final = re.compile(rf"{_LEAD}(?P<key>{_KEY}|\"[^\"]*\"|'[^']*')(?P<colon>:[ \t]+)(?P<value>[^\s#].*)")
_ITEM: Final = re.compile(r"(?P<lead>[^\S\n]*(?:-[^\S\n]+)+)(?P<value>[^\s#].*)")
_NO_SPACE: Final = re.compile(rf"{_LEAD}(?P<key>{_KEY}):(?P<value>[^\s:/].*)")
_EQUALS: Final = re.compile(rf"{_LEAD}(?P<key>{_KEY})[ \t]*:?=[ \t]*(?P<value>\S.*)")
_NO_COLON: Final = re.compile(rf"{_LEAD}(?P<key>{_KEY})[ \t]+(?P<value>\S.*)")
_ALONE: Final = re.compile(rf"{_LEAD}(?P<key>{_KEY})[ \t]*(?P<comment>#.*)?")
_NO_DASH_SPACE: Final = re.compile(r"(?P<lead>[^\S\n]*)-(?P<value>[^\s-].*)")
_COMMENT: Final = re.compile(r"[ \t]+#.*$")
_ODD_COLONS: Final = {"\uff1a": "full-width colon", "\ufe55": "small colon", "\u2236": "ratio sign"}
_ODD_COLON: Final = re.compile(
    rf"{_LEAD}(?P<key>{_KEY})[^\S\n]*(?P<odd>[{''.join(_ODD_COLONS)}])[^\S\n]*(?P<value>.*)"
)
_ODD_SPACE: Final = re.compile(r"[^\S \t\r\n]")
_SPACES: Final = {
    "\xa0": "no-break space",
    "\u202f": "narrow no-break space",
    "\u3000": "ideographic space",
    "\u2003": "em space",
    "\u2002": "en space",
    "\u2009": "thin space",
}
_BRACKETS: Final = {"{": "}", "[": "]"}
_STARTS: Final = frozenset("@`%|>&*!?{}[],-#")


class Slip(Struct, frozen=True):
    """A mistyped line: its index, the columns that are wrong, what is wrong, and the line as it should read.

    `line` is None if there is nothing to show. `advice` says what to do, without any text of the file.
    """

    index: int
    start: int
    end: int
    message: str
    advice: str
    line: str | None = None


def find_slip(text: str, at_line: int, opened_at: int | None, loader: Any) -> Slip | None:
    """Return the slip that makes `loader` stop in line `at_line` of `text`; None if it cannot be told.

    Lines count from 0. `opened_at` is the line of what the parser was reading, such as the start of a text in
    quotes; None if it says nothing.
    """
    lines = re.split(r"\r\n|\r|\n", text)
    if (marker := _marker(lines)) is not None:
        return marker
    seen: set[tuple[int, str]] = set()
    for tried, slip in enumerate(_proposals(lines, min(at_line, len(lines) - 1), opened_at)):
        if tried >= _MOST_TRIED:
            return None
        if slip.line is None or (slip.index, slip.line) in seen:
            continue
        seen.add((slip.index, slip.line))
        if _is_cause(lines, slip, at_line, loader):
            return slip
    return None


def _marker(lines: Sequence[str]) -> Slip | None:
    """Return the first line that another tool left: a merge conflict's, or the fence of a code block."""
    for index, line in enumerate(lines):
        if line[:1] in "<=>|" and _CONFLICT.match(line):
            return Slip(
                index,
                0,
                len(line),
                "a merge conflict was left here",
                "Keep one side, and remove the marker lines.",
            )
        if line[:1] in "`~" and _FENCE.match(line):
            return Slip(
                index,
                0,
                len(line),
                "a Markdown fence is no YAML",
                "Remove the lines that begin with ``` or ~~~.",
            )
    return None


def _proposals(lines: Sequence[str], at_line: int, opened_at: int | None) -> Iterator[Slip]:
    """Yield repairs of the lines near `at_line` and of lines that may have left quotes open."""
    for index in range(at_line, max(at_line - _MOST_ODD, -1), -1):
        if not lines[index].isascii():
            yield from _of_odd_characters(index, lines[index])
    near = _near(lines, at_line)
    if opened_at is not None and opened_at not in near and opened_at < at_line:
        near.append(opened_at)
    for index in near:
        yield from _of_spelling(index, lines[index])
    for index in near[:1]:
        yield from _of_values(index, lines[index])
    for index in near[1:]:
        yield from _of_values(index, lines[index])
    for index in _open_quotes(lines, at_line):
        yield from _close_quote(index, lines[index])
    used = Counter(map(_indent, filter(_is_written, lines)))
    blocks = [*near, *_headers(lines, at_line, limit=_DEEPEST)]
    for index in sorted(dict.fromkeys(blocks), key=lambda index: used[_indent(lines[index])]):
        yield from _of_indentation(lines, index)


def _near(lines: Sequence[str], at_line: int) -> list[int]:
    """Return the line of the error and written ones before it, the nearest first."""
    found = [at_line] if _is_written(lines[at_line]) else []
    index = at_line - 1
    while index >= 0 and len(found) <= _NEAR:
        if _is_written(lines[index]):
            found.append(index)
        index -= 1
    return found


def _is_written(line: str) -> bool:
    stripped = line.strip()
    return bool(stripped) and not stripped.startswith("#")


def _of_odd_characters(index: int, line: str) -> Iterator[Slip]:
    """Yield repairs of foreign colons and spaces."""
    if (found := _ODD_COLON.fullmatch(line)) is not None:
        odd = found["odd"]
        fixed = f"{found['lead']}{found['key']}: {found['value']}".rstrip()
        yield _slip(
            index,
            found.start("odd"),
            found.end("odd"),
            f"a {_ODD_COLONS[odd]} ({_point(odd)}) stands here in place of ':'",
            fixed,
        )
    if (odd_space := _ODD_SPACE.search(line)) is not None:
        char = odd_space[0]
        yield _slip(
            index,
            odd_space.start(),
            odd_space.end(),
            f"a {_SPACES.get(char, 'foreign space')} ({_point(char)}) stands here in place of a space",
            _ODD_SPACE.sub(" ", line),
        )


def _of_spelling(index: int, line: str) -> Iterator[Slip]:
    """Yield repairs of a tab, of a key's colon, and of the space behind it."""
    indent = line[: len(line) - len(line.lstrip(" \t"))]
    if "\t" in indent:
        fixed = f"{indent.replace(chr(9), '  ')}{line.lstrip()}"
        yield _slip(
            index,
            indent.index("\t"),
            indent.index("\t") + 1,
            "a tab is used where YAML requires spaces",
            fixed,
        )
    if (found := _EQUALS.fullmatch(line)) is not None:
        yield _missing(index, found, "'=' stands here in place of ':'")
    if (found := _NO_SPACE.fullmatch(line)) is not None:
        yield _missing(index, found, "the space after ':' is missing")
    if (found := _NO_COLON.fullmatch(line)) is not None and not found["value"].startswith("#"):
        yield _missing(index, found, "the ':' after the key is missing")
    if (found := _ALONE.fullmatch(line)) is not None:
        fixed = f"{found['lead']}{found['key']}:{'' if found['comment'] is None else ' ' + found['comment']}"
        yield _slip(index, found.start("key"), found.end("key"), "the ':' after the key is missing", fixed)
    if (found := _NO_DASH_SPACE.fullmatch(line)) is not None:
        at = found.start("value")
        yield _slip(index, at - 1, at, "the space after '-' is missing", f"{found['lead']}- {found['value']}")


def _missing(index: int, found: re.Match[str], message: str) -> Slip:
    fixed = f"{found['lead']}{found['key']}: {found['value']}"
    return _slip(index, found.start("key"), found.end("key"), message, fixed)


def _of_values(index: int, line: str) -> Iterator[Slip]:
    """Yield repairs of a value: in quotes as a whole, or with its brackets closed."""
    found = _ENTRY.fullmatch(line) or _ITEM.fullmatch(line)
    if found is None:
        return
    value = found["value"].rstrip()
    yield from _close_brackets(index, line, found.start("value"), value)
    if value[0] in "\"'" and _closing(value) in {-1, len(value) - 1}:
        return  # an open quote is closed, not quoted again
    first, at = value[0], found.start("value")
    if first in "\"'":
        message = "text goes on behind the closing quote"
    elif first in "[{":
        message = f"text goes on behind '{_BRACKETS[first]}'"
    elif first in _STARTS:
        message = f"text that begins with '{first}' needs quotes"
    elif ": " in value or value.endswith(":"):
        message = "text with ': ' in it needs quotes"
    else:
        message = "this text needs quotes"
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    spelt = f"'{value.replace(chr(39), chr(39) * 2)}'" if '"' in value or "\\" in value else f'"{quoted}"'
    yield _slip(index, at, at + len(value), message, f"{line[:at]}{spelt}")


def _close_brackets(index: int, line: str, at: int, value: str) -> Iterator[Slip]:
    """Yield a repair of `value` with the brackets closed that it leaves open, or without one too many."""
    if value[0] not in _BRACKETS:
        return
    bare = _COMMENT.sub("", value)
    still_open: list[str] = []
    for number, char in enumerate(bare):
        if char in _BRACKETS:
            still_open.append(_BRACKETS[char])
        elif char in _BRACKETS.values():
            if not still_open or still_open[-1] != char:
                fixed = f"{line[: at + number]}{line[at + number + 1 :]}".rstrip()
                yield _slip(index, at + number, at + number + 1, f"this '{char}' closes nothing", fixed)
                return
            still_open.pop()
    if still_open:
        closing = "".join(reversed(still_open))
        inner = bare.rstrip().rstrip(",")
        space = " " if inner[1:2] == " " else ""
        yield _slip(
            index, at, at + len(bare), f"'{value[0]}' is not closed", f"{line[:at]}{inner}{space}{closing}"
        )


def _open_quotes(lines: Sequence[str], at_line: int) -> Iterator[int]:
    """Yield the lines up to `at_line` whose value begins with a quote that the line does not close."""
    left = _MOST_FAR
    for index in range(at_line, -1, -1):
        line = lines[index]
        if '"' not in line and "'" not in line:
            continue
        found = _ENTRY.fullmatch(line) or _ITEM.fullmatch(line)
        if found is None or found["value"][0] not in "\"'":
            continue
        value = found["value"]
        if _closing(value) < 0:
            yield index
            left -= 1
            if not left:
                return


def _closing(value: str) -> int:
    """Return the index of the quote that closes `value`, which begins with one; -1 if none does."""
    form = r'"(?:[^"\\]|\\.)*"' if value[0] == '"' else r"'(?:[^']|'')*'"
    found = re.match(form, value)
    return -1 if found is None else found.end() - 1


def _close_quote(index: int, line: str) -> Iterator[Slip]:
    found = _ENTRY.fullmatch(line) or _ITEM.fullmatch(line)
    if found is None:
        return
    at, value = found.start("value"), found["value"].rstrip()
    for body in dict.fromkeys((_COMMENT.sub("", value), value)):
        fixed = f"{line[:at]}{body}{value[0]}"
        yield _slip(index, at, at + 1, "this quote is not closed", fixed)


def _of_indentation(lines: Sequence[str], index: int) -> Iterator[Slip]:
    """Yield repairs of a line's indentation: that of its neighbours."""
    line = lines[index]
    body = line.lstrip(" ")
    here = len(line) - len(body)
    for other in _neighbours(lines, index):
        there = _indent(lines[other])
        if there == here:
            continue
        by = "1 space" if abs(here - there) == 1 else f"{abs(here - there)} spaces"
        direction = "more" if here > there else "less"
        yield Slip(
            index,
            0,
            here,
            f"this is indented {by} {direction} than line {other + 1}",
            f"Line it up with line {other + 1}.",
            f"{' ' * there}{body}",
        )


def _neighbours(lines: Sequence[str], index: int) -> Iterator[int]:
    """Yield the lines that `index` may belong beside: its neighbours, and then those further out."""
    before = [at for at in range(index - 1, max(index - _BEHIND, -1), -1) if _is_written(lines[at])]
    behind = [at for at in range(index + 1, min(index + _BEHIND, len(lines))) if _is_written(lines[at])]
    yield from before[:1]
    yield from behind[:1]
    indents: set[int] = set()
    for at in before:
        if (indent := _indent(lines[at])) not in indents:
            indents.add(indent)
            yield at


def _is_cause(lines: Sequence[str], slip: Slip, at_line: int, loader: Any) -> bool:
    """Return whether the text of `lines` with the repair of `slip` is right up to beyond `at_line`."""
    kept = _headers(lines, slip.index, limit=_TOP + 1)
    start = kept[-1] if kept else 0
    rows = [*kept[:-1], *range(start, min(at_line + _BEHIND, len(lines)))]
    repaired = [slip.line or "" if row == slip.index else lines[row] for row in rows]
    before = _stops_in([lines[row] for row in rows], loader)
    if before is None or rows[min(before, len(rows) - 1)] != at_line:
        return False
    stopped = _stops_in(repaired, loader)
    return stopped is None or stopped >= len(rows) or rows[stopped] > at_line


def _headers(lines: Sequence[str], index: int, *, limit: int) -> list[int]:
    """Return the lines above `index` that open the blocks around it, each indented by less than `limit`."""
    found: list[int] = []
    for at in range(index - 1, -1, -1):
        if limit and _is_written(lines[at]) and (indent := _indent(lines[at])) < limit:
            found.append(at)
            limit = indent
    return found[::-1]


def _stops_in(lines: Sequence[str], loader: Any) -> int | None:
    """Return the line in which `loader` stops; None if it reads all of `lines`."""
    try:
        for _ in yaml.parse("\n".join(lines), Loader=loader):
            pass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return 0 if mark is None else int(mark.line)
    return None


def _slip(index: int, start: int, end: int, message: str, line: str) -> Slip:
    return Slip(index, start, end, message, "", line)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _point(char: str) -> str:
    return f"U+{ord(char):04X}"
