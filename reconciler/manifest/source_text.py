"""The text of one file: decoded strictly, offsets turned into places, lines made safe to show."""

import re
from array import array
from bisect import bisect_right
from functools import cache
from itertools import accumulate
from typing import Final

from reconciler.manifest.secrecy import MASK, guarded_line, has_loose_announcement, masked_line, printable
from reconciler.manifest.yaml_nodes import Stretch
from reconciler.model.positions import Position, Span
from reconciler.values import dataclass, field

MAX_SIZE_BYTES: Final = 256 * 1024 * 1024
MAX_ECHO: Final = 60

_MAX_EXCERPT: Final = 200
_MAX_GUARDED: Final = 256 * 1024
_MAX_KNOWN_SECRETS: Final = 500
_MIN_SECRET: Final = 4
_BREAK: Final = re.compile(r"\r\n|\n|\r")
_ORDINARY: Final = bytes([*b"\t\n\r", *range(ord(" "), ord("~") + 1)])
_BOM: Final = b"\xef\xbb\xbf"
_WIDE_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")


@cache
def _refused() -> re.Pattern[str]:
    """What no text may have; most have not a character that need be looked at, and it is slow to compile.

    Besides control characters: U+0085, U+2028 and U+2029, which are line breaks to a YAML 1.1 parser (ours)
    and ordinary characters to YAML 1.2, so that a text with them would not mean what it shows.
    """
    return re.compile("[^\t\n\r -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class NotText(Exception):
    """Bytes are not UTF-8; `before` is the text up to where that shows."""

    def __init__(self, before: str, *, message: str, hint: str) -> None:
        super().__init__(message)
        self.before = before
        self.message = message
        self.hint = hint


def decode(data: bytes) -> str:
    """`data` as text, without a BOM. Raises NotText."""
    if data.startswith(_WIDE_BOMS) or data[:1] == b"\0" or data[1:2] == b"\0":
        raise NotText(
            "",
            message="this file is written in UTF-16 or UTF-32, or is no text at all",
            hint="Save it as UTF-8.",
        )
    try:
        return _without_boms(data).decode("utf-8")
    except UnicodeDecodeError as error:
        rest = _without_boms(data)
        raise NotText(
            rest[: error.start].decode("utf-8"),
            message=f"the byte 0x{rest[error.start]:02X} here is not UTF-8",
            hint="Save the file as UTF-8; it may be in Latin-1 or Windows-1252 now.",
        ) from None


def _without_boms(data: bytes) -> bytes:
    """`data` without a BOM, or several: our parser skips one more, and counts from behind it."""
    start = 0
    while data.startswith(_BOM, start):
        start += len(_BOM)
    return data[start:]


@dataclass(slots=True)
class SourceText:
    """One file's text; `secrets` and `secret_values` are known once `is_parsed`."""

    file: str
    text: str
    is_parsed: bool = False
    secrets: list[Stretch] = field(default_factory=list)
    secret_values: set[str] = field(default_factory=set)
    _starts: "array[int]" = field(default_factory=lambda: array("I"))
    _passed: tuple[int, int] = (0, 1)
    """A line's start and its number: where `next_position` goes on."""

    def starts(self) -> "array[int]":
        """The offset at which each line starts."""
        if not self._starts:
            self._starts.append(0)
            if self.is_parsed:  # then there are no other line ends that `splitlines` knows
                self._starts.extend(accumulate(map(len, self.text.splitlines(keepends=True))))
                if self.text and not self.text.endswith(("\n", "\r")):
                    self._starts.pop()
            else:
                self._starts.extend(found.end() for found in _BREAK.finditer(self.text))
        return self._starts

    def position(self, offset: int) -> Position:
        """The place of `offset`."""
        starts = self.starts()
        line = bisect_right(starts, offset)
        return Position(self.file, line, offset - starts[line - 1] + 1)

    def next_position(self, offset: int) -> Position:
        """The place of `offset`, told quickly to those who ask from the beginning to the end of the text."""
        start, line = self._passed
        if offset < start or "\r" in self.text[start:offset]:
            return self.position(offset)
        last = self.text.rfind("\n", start, offset) + 1
        if last:
            line += self.text.count("\n", start, last)
            start = last
            self._passed = start, line
        return Position(self.file, line, offset - start + 1)

    def stands_indented(self, offset: int) -> bool:
        """Whether nothing but spaces, and one at least, stands on the line before `offset`."""
        start = self.text.rfind("\n", 0, offset) + 1
        return 0 < offset - start == self.text.count(" ", start, offset)

    def span(self, at: Stretch) -> Span:
        """The place of a stretch."""
        starts, (first, last) = self.starts(), at
        start = self.position(first)
        if first <= last and (start.line == len(starts) or last < starts[start.line]):
            return Span(start, start.line, start.column + last - first)  # on one line, as nearly always
        end = self.position(max(at))
        return Span(start, end.line, end.column)

    def offset(self, line: int, column: int) -> int:
        """The offset of a place; both count from 0, and a place beyond the text is its end."""
        starts = self.starts()
        start = starts[line] if line < len(starts) else len(self.text)
        return min(start + column, len(self.text))

    def refused_character(self) -> Stretch | None:
        """Where the first character stands that a manifest may not hold; None where there is none."""
        out_of_the_ordinary = self.text.encode("utf-8").translate(None, _ORDINARY)
        if not out_of_the_ordinary or _refused().search(out_of_the_ordinary.decode("utf-8")) is None:
            return None  # as nearly always, and found in a tenth of the time
        found = _refused().search(self.text)
        return None if found is None else Stretch(found.start(), found.end())

    def excerpt(self, offset: int) -> str | None:
        """The line at `offset`, safe to show; None where that cannot be promised or it is too long."""
        starts = self.starts()
        index = bisect_right(starts, offset) - 1
        line = self._line(index)
        shown: str | None
        if self.is_parsed:
            shown = self._without_values(masked_line(line, starts[index], self.secrets, offset))
            if shown is not None and has_loose_announcement(shown):
                shown = None
        elif len(self.text) > _MAX_GUARDED:
            shown = None
        else:
            shown = guarded_line([self._line(at) for at in range(len(starts))], index)
        if shown is None or offset - starts[index] > _MAX_EXCERPT:
            return None
        return printable(shown[:_MAX_EXCERPT])

    def echo(self, value: str) -> str:
        """`value`, quoted for a message: short, printable, and never a secret of this file."""
        if self.hides(value):
            return "this value"
        short = value if len(value) <= MAX_ECHO else f"{value[:MAX_ECHO]}…"
        shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in short)
        return f"'{shown}'"

    def hides(self, value: str) -> bool:
        """Whether `value` is a secret of this file, or repeats one."""
        return value in self.secret_values or (
            len(self.secret_values) <= _MAX_KNOWN_SECRETS and self._repeats_secret(value)
        )

    def line(self, number: int) -> str:
        """The line `number`, which counts from 1; beyond the last one, an empty text."""
        return self._line(number - 1) if number <= len(self.starts()) else ""

    def without_secrets(self, text: str) -> str:
        """`text` with every secret of this file masked that is long enough to be told from ordinary words."""
        for secret in self.secret_values:
            if len(secret) >= _MIN_SECRET and secret in text:
                text = text.replace(secret, MASK)
        return text

    def _line(self, index: int) -> str:
        starts = self.starts()
        end = starts[index + 1] if index + 1 < len(starts) else len(self.text)
        return self.text[starts[index] : end].rstrip("\r\n")

    def _repeats_secret(self, text: str) -> bool:
        """Whether a secret that is long enough to be told from ordinary words is within `text`."""
        return any(len(secret) >= _MIN_SECRET and secret in text for secret in self.secret_values)

    def _without_values(self, shown: str | None) -> str | None:
        """`shown`, unless a secret written elsewhere is repeated on it."""
        if shown is None or len(self.secret_values) > _MAX_KNOWN_SECRETS:
            return shown
        return None if self._repeats_secret(shown) else shown
