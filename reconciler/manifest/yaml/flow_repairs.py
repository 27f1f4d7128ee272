"""Proposals of how a mapping or list in brackets should read; `slips` tries which of them is right."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from reconciler.manifest.fields import documented_fields
from reconciler.manifest.yaml.line_repairs import Slip
from reconciler.manifest.yaml.lines import COMMENT, KEY

_CLOSING: Final = {"{": "}", "[": "]"}
_TOKEN: Final = re.compile(r""""(?:[^"\\]|\\.)*+"|'[^']*+'|[\[\]{}]""")
_ENDS: Final = re.compile(r"[\s\]})]*,?$")
_NO_COMMA: Final = re.compile(
    r"""(?<=[^\s,{\[:;])(?P<gap>[ \t]+)(?:(?P<key>\w+):[ \t]|(?<=["'}\]][ \t])["'{\[])"""
)
_SEMICOLON: Final = re.compile(r";(?=[ \t])")
_SPARE_COMMA: Final = re.compile(r"(?:(?<=,)|(?<=[{\[]))[ \t]*(?P<comma>,)")
_OPEN_QUOTE: Final = re.compile(r"""(?<=[:,{\[])[ \t]*(?P<quote>["'])(?P<text>[^"',\]}]*)(?=[,\]}])""")
_TEXT: Final = re.compile(
    rf"""(?:{KEY}):[ \t]+(?P<text>[^\s{{}}\[][^{{}}"]*?)[ \t]*(?=,[ \t]*(?:{KEY}):[ \t]|[}}\]]*$)"""
)
_GLOB: Final = re.compile(
    r"(?<=[\[{,:])(?P<gap>[ \t]*)(?P<text>\*[\w-]*[^\w\s,\]}-][^\s,\]}\"']*|\*(?=[ \t]*[,\]}]))"
)
"""Text that begins with `*`, and is no alias."""
_CLOSED_IN_COMMENT: Final = re.compile(r"(?P<remark>[ \t]+#.*?)[ \t]*(?P<closing>[}\]]+)[ \t]*")

_Maker: TypeAlias = Callable[[int, int, str, str, str], Slip]
"""Makes a slip from its start and end, its message, the advice, and the value as it should read."""


def of_brackets(index: int, line: str, at: int, value: str) -> Iterator[Slip]:
    """Yield repairs of `value`, which begins with a bracket and stands at the column `at` of `line`."""
    behind = line[at + len(value) :]

    def slip(start: int, end: int, message: str, advice: str, fixed: str) -> Slip:
        return Slip(index, at + start, at + end, message, advice, f"{line[:at]}{fixed}{behind}")

    if (comment := _CLOSED_IN_COMMENT.fullmatch(behind)) is not None:
        end = at + len(value)
        start, message = end + behind.index("#"), "a comment begins here, within the brackets"
        fixed = f"{line[:at]}{value}{comment['closing']}{comment['remark']}"
        advice = "Close the brackets before the comment."
        yield Slip(index, start, end + comment.end("remark"), message, advice, fixed)
    yield from _of_ends(value, slip)
    for found in _SEMICOLON.finditer(value):
        fixed = _SEMICOLON.sub(",", value)
        yield slip(
            *found.span(), "';' stands here in place of ','", "Write a comma between two entries.", fixed
        )
    for found in _SPARE_COMMA.finditer(value):
        start, end = found.span("comma")
        yield slip(start, end, "this ',' is one too many", "Remove it.", f"{value[:start]}{value[end:]}")
    for found in _NO_COMMA.finditer(value):
        if found["key"] is None or found["key"] in documented_fields():
            start, end = found.span("gap")
            fixed = f"{value[:start]},{value[start:]}"
            yield slip(start, end, "a ',' is missing here", "Write a comma between two entries.", fixed)
    for found in _OPEN_QUOTE.finditer(value):
        end = found.end("text")
        fixed = f"{value[:end].rstrip()}{found['quote']}{value[end:]}"
        message, advice = "this quote is not closed", "Close it at the end of the text."
        yield slip(*found.span("quote"), message, advice, fixed)
    if (glob := _GLOB.search(value)) is not None:
        fixed = _GLOB.sub(r'\g<gap>"\g<text>"', value)
        yield slip(*glob.span("text"), "text that begins with '*' needs quotes", "Put it in quotes.", fixed)
    for found in _TEXT.finditer(value):
        start, end = found.span("text")
        fixed = f'{value[:start]}"{found["text"]}"{value[end:]}'
        yield slip(start, end, "this text needs quotes", "Put the whole text in quotes.", fixed)


def _of_ends(value: str, slip: _Maker) -> Iterator[Slip]:
    """Yield a repair of the brackets with which `value` ends, or of a wrong one within."""
    body = value[: _ENDS.search(value).start()]  # type: ignore[union-attr]  # it matches an empty end too
    opened, wrong = _opened(body)
    if wrong is not None:
        wanted = _CLOSING[body[opened[-1]]] if opened else ""
        fixed = f"{value[:wrong]}{wanted}{value[wrong + 1 :]}"
        yield slip(wrong, wrong + 1, _wrong(value[wrong], wanted), "Write the right bracket.", fixed)
        return
    wanted = "".join(_CLOSING[body[at]] for at in reversed(opened))
    ends = [at for at in range(len(body), len(value)) if not value[at].isspace()]
    same = next((n for n, at in enumerate(ends) if value[at] != wanted[n : n + 1]), len(ends))
    fixed = f"{body.rstrip(', ')}{' ' if value[1:2] == ' ' else ''}{wanted}"
    if same < len(ends):
        at = ends[same]
        message = _wrong(value[at], wanted[same : same + 1])
        yield slip(at, at + 1, message, "Write the right bracket.", fixed)
    elif same < len(wanted):
        at = opened[len(wanted) - same - 1]
        yield slip(at, at + 1, f"'{value[at]}' is not closed", f"Close it with `{wanted[same]}`.", fixed)


def _opened(text: str) -> tuple[list[int], int | None]:
    """Return the offsets of the brackets that `text` leaves open, and of the first wrong one."""
    opened = list[int]()
    for token in _TOKEN.finditer(text):
        if token[0] in _CLOSING:
            opened.append(token.start())
        elif token[0] in _CLOSING.values():
            if not opened or token[0] != _CLOSING[text[opened[-1]]]:
                return opened, token.start()
            opened.pop()
    return opened, None


def _wrong(char: str, wanted: str) -> str:
    if char == "," and not wanted:
        return "a field ends with its line, not with a comma"
    return f"'{char}' stands here in place of '{wanted}'" if wanted else f"this '{char}' closes nothing"


def of_open_brackets(lines: Sequence[str], opened_at: int, index: int) -> Iterator[Slip]:
    """Yield repairs of the line at `index`, behind which its brackets go wrong: closed, or with a comma."""
    line, row = lines[index].rstrip(), COMMENT.sub("", lines[index]).rstrip()
    remark, text = line[len(row) :], "\n".join([*lines[opened_at:index], row])
    opened, wrong = _opened(text)
    if wrong is not None or not opened:
        return
    header = lines[opened_at].rstrip()
    if header.endswith("{") and "," not in text:
        at, message = len(header) - 1, f"'{header[-1]}' is not closed"
        yield Slip(opened_at, at, at + 1, message, "Close it, or remove it.", header[:-1].rstrip())
    closing = "".join(_CLOSING[text[at]] for at in reversed(opened))
    end = len(row), len(row) + 1
    message = f"the '{text[opened[-1]]}' of line {opened_at + 1} is not closed"
    yield Slip(index, *end, message, f"Close it with `{closing}`.", f"{row.rstrip(',')}{closing}{remark}")
    message, advice = "the ',' at the end of this line is missing", "Write a comma between two entries."
    yield Slip(index, *end, message, advice, f"{row.rstrip(';')},{remark}")
