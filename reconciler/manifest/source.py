"""The text of one file: decoding, the positions of offsets, and excerpts without secrets."""

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from functools import cache, cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from reconciler.manifest.redaction import (
    MASK,
    behind_colon,
    printable,
    shown_length,
)
from reconciler.manifest.yaml.nodes import TextRange
from reconciler.model.diagnostics import Position, Span
from reconciler.model.outside_text import spelt_out

if TYPE_CHECKING:
    from reconciler.manifest.unparsed_redaction import UnparsedText

MAX_SIZE_BYTES: Final = 256 * 1024 * 1024
MAX_ECHO: Final = 60

_MAX_EXCERPT: Final = 200
_MAX_KNOWN_SECRETS: Final = 500
_MIN_SECRET: Final = 4
_GAP: Final = re.compile(r"(?<=\S)\s")
_BLANKS: Final = " \t\r\n"
_ORDINARY: Final = bytes([*b"\t\n\r", *range(ord(" "), ord("~") + 1)])
_BOM: Final = b"\xef\xbb\xbf"
_WIDE_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")


@cache
def _refused() -> re.Pattern[str]:
    """Return the pattern of characters that are not allowed. It is slow to compile, and seldom needed.

    These are control characters, and U+0085, U+2028 and U+2029: libyaml takes these for line breaks
    (YAML 1.1), while YAML 1.2 and most editors take them for ordinary characters.
    """
    return re.compile("[^\t\n\r -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class NotText(Exception):
    """Bytes that are not UTF-8; `before` is the text before the first wrong byte."""

    def __init__(self, before: str, *, message: str, hint: str) -> None:
        super().__init__(message)
        self.before = before
        self.message = message
        self.hint = hint


def decode(data: bytes) -> str:
    """Return `data` as text without a byte order mark (BOM). Raises NotText."""
    if data.startswith(_WIDE_BOMS) or data[:1] == b"\0" or data[1:2] == b"\0":
        raise NotText(
            "",
            message="this file is written in UTF-16 or UTF-32, or is not text",
            hint="Save it as UTF-8.",
        )
    start = 0
    while data.startswith(_BOM, start):  # the parser skips a BOM too: its offsets start after it
        start += len(_BOM)
    data = data[start:]
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotText(
            data[: error.start].decode("utf-8"),
            message=f"the byte 0x{data[error.start]:02X} here is not UTF-8",
            hint="Save the file as UTF-8; it may be in Latin-1 or Windows-1252 now.",
        ) from None


class SourceText(Struct, dict=True):
    """The text of one file, and the parts of it that must not be shown.

    `secrets` (known once `is_parsed`) are ranges from the end of a key to the end of its value. `unknown`
    are values of unknown fields and unusable keys; they are hidden too. If not `is_text`, no line is shown.
    """

    file: str
    text: str
    is_parsed: bool = False
    is_text: bool = True
    secrets: list[TextRange] = field(default_factory=list)
    secret_values: set[str] = field(default_factory=set)
    unknown: list[TextRange] = field(default_factory=list)
    _hidden: "_HiddenRanges | None" = None

    @cached_property
    def starts(self) -> "array[int]":
        """The offset of the start of each line: the lengths of the lines before it, and of their breaks."""
        lines = self.text.replace("\r\n", " \n").replace("\r", "\n").split("\n")  # as long as before
        return array("I", accumulate([len(line) + 1 for line in lines[:-1]], initial=0))

    def position(self, offset: int) -> Position:
        """Return the line and column of `offset`."""
        starts = self.starts
        line = bisect_right(starts, offset)
        return Position(self.file, line, offset - starts[line - 1] + 1)

    def span(self, at: TextRange) -> Span:
        """Return the lines and columns of a text range."""
        end = self.position(max(at))
        return Span(self.position(at.start), end.line, end.column)

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a line and column, which count from 0; at most the end of the text."""
        starts = self.starts
        start = starts[line] if line < len(starts) else len(self.text)
        return min(start + column, len(self.text))

    def refused_character(self) -> TextRange | None:
        """Return the text range of the first character that is not allowed, if any."""
        unusual = self.text.encode("utf-8").translate(None, _ORDINARY)
        if not unusual or _refused().search(unusual.decode("utf-8")) is None:
            return None  # as for nearly all files; searching the whole text takes ten times as long
        found = _refused().search(self.text)
        return None if found is None else TextRange(found.start(), found.end())

    def excerpt(self, offset: int) -> str | None:
        """Return the line at `offset` up to the first secret; None if the secret comes before `offset`."""
        starts = self.starts
        index = bisect_right(starts, offset) - 1
        line, column = self._line(index)[: 2 * _MAX_EXCERPT], offset - starts[index]
        if not self.is_text or column > _MAX_EXCERPT:
            return None
        length = self._shown_length(line, index)
        if length < len(line):
            if column >= length:
                return None
            line = line[:length].rstrip()
        return None if self._repeats_secret(line) else printable(line[:_MAX_EXCERPT])

    def _shown_length(self, line: str, index: int) -> int:
        """Return how many characters of `line`, which has the index `index`, may be shown."""
        if self.is_parsed:
            start = self.starts[index]
            hidden = self._hidden_ranges().first_on(start, start + len(line))
            length = len(line) if hidden is None else behind_colon(line, max(hidden - start, 0))
            return min(length, shown_length(line))
        return self._unparsed.shown_length(index)

    @cached_property
    def _unparsed(self) -> "UnparsedText":
        from reconciler.manifest.unparsed_redaction import UnparsedText  # noqa: PLC0415 - slow to load

        return UnparsedText(self.lines())

    def is_hidden(self, offset: int) -> bool:
        """Return whether `offset` is hidden.

        Hidden are the hidden ranges, and on the line where one ends also a comment after it. After a secret,
        the rest of that line is hidden.
        """
        hidden, starts = self._hidden_ranges(), self.starts
        line_start = starts[bisect_right(starts, offset) - 1]
        within, secret = _last_before(offset, hidden.every), _last_before(offset, hidden.secrets)
        if within is not None and (
            offset < within.end or (line_start <= within.end and "#" in self.text[within.end : offset])
        ):
            return True
        return secret is not None and line_start <= secret.end

    def _hidden_ranges(self) -> "_HiddenRanges":
        known = len(self.secrets), len(self.unknown)
        if self._hidden is None or self._hidden.known != known:
            secrets = _disjoint(_trimmed(at, self.text) for at in self.secrets)
            unknown = [_trimmed(at, self.text) for at in self.unknown]
            self._hidden = _HiddenRanges(known, secrets, _disjoint([*secrets, *unknown]))
        return self._hidden

    def echo(self, value: str) -> str:
        """Return `value` in quotes for a message: shortened, printable, and cut before anything secret."""
        if self.hides(value):
            return "this value"
        length = min(shown_length(value), self._length_on_line(value))
        if value[length:].strip():
            value = f"{value[:length]}…"
        short = value if len(value) <= MAX_ECHO else f"{value[:MAX_ECHO]}…"
        return f"'{spelt_out(short)}'"

    def _length_on_line(self, value: str) -> int:
        """Return how much of `value` is on its first line: what YAML joins to it may be another field.

        Return its whole length if it is not in the text in any part, for it may be written with escapes.
        """
        ends = [found.start() for found in _GAP.finditer(value[:MAX_ECHO])]
        if not ends or value[:MAX_ECHO] in self.text:
            return len(value)
        return next((end for end in reversed(ends) if value[:end] in self.text), len(value))

    def hides(self, value: str) -> bool:
        """Return whether `value` is, or contains, a secret of this file."""
        return value in self.secret_values or self._repeats_secret(value)

    def line(self, number: int) -> str:
        """Return the line `number`, which counts from 1; an empty text after the last line."""
        return self._line(number - 1) if number <= len(self.starts) else ""

    def lines(self) -> list[str]:
        """Return all lines, without their breaks."""
        return self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    def without_secrets(self, text: str) -> str:
        """Return `text` with the secrets of this file masked, except very short ones."""
        for secret in self.secret_values:
            if len(secret) >= _MIN_SECRET and secret in text:
                text = text.replace(secret, MASK)
        return text

    def _line(self, index: int) -> str:
        starts = self.starts
        end = starts[index + 1] if index + 1 < len(starts) else len(self.text)
        return self.text[starts[index] : end].rstrip("\r\n")

    def _repeats_secret(self, text: str) -> bool:
        """Return whether `text` contains a secret; very short ones, or too many, are not searched for."""
        return len(self.secret_values) <= _MAX_KNOWN_SECRETS and any(
            len(secret) >= _MIN_SECRET and secret in text for secret in self.secret_values
        )


class _HiddenRanges(Struct, frozen=True):
    """Hidden text ranges, sorted and disjoint: those of secrets, and `every` one.

    `known` are the numbers of secrets and of unknown values for which they were computed.
    """

    known: tuple[int, int]
    secrets: list[TextRange]
    every: list[TextRange]

    def first_on(self, start: int, end: int) -> int | None:
        """Return the start of the first hidden range that overlaps the line from `start` to `end`."""
        at = bisect_left(self.every, start, key=lambda hidden: hidden.end)
        return self.every[at].start if at < len(self.every) and self.every[at].start <= end else None


def _last_before(offset: int, ranges: Sequence[TextRange]) -> TextRange | None:
    """Return the last of the sorted `ranges` that starts at or before `offset`."""
    at = bisect_right(ranges, offset, key=lambda at: at.start) - 1
    return ranges[at] if at >= 0 else None


def _trimmed(at: TextRange, text: str) -> TextRange:
    """Return `at` without trailing blanks: libyaml ends a block where the next token starts."""
    end = at.end
    while end > at.start and text[end - 1] in _BLANKS:
        end -= 1
    return TextRange(at.start, end)


def _disjoint(ranges: Iterable[TextRange]) -> list[TextRange]:
    """Return `ranges` sorted, with overlapping ones joined."""
    covered: list[TextRange] = []
    for at in sorted(ranges):
        if covered and at.start <= covered[-1].end:
            last = covered.pop()
            covered.append(TextRange(last.start, max(at.end, last.end)))
        else:
            covered.append(at)
    return covered
