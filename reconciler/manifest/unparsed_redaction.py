"""Redaction of a text that could not be parsed: how much of each of its lines may be shown.

No parser says here where a secret ends. So one that is announced, and is no complete reference, hides the
rest of its line and the lines below that are indented deeper; behind it, every line is hidden that does not
begin with a documented field, an address or a marker. If it uses an alias, lines with anchors are hidden too.
Behind a word that is no documented field nothing is shown, with or without a colon: in a foreign language,
or misspelt, it may announce a secret too.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from reconciler.manifest.fields import documented_fields
from reconciler.manifest.redaction import (
    PHRASE,
    REFERENCE_KEYS,
    WORD,
    behind_colon,
    is_loose,
    may_announce,
    shown_length,
)
from reconciler.manifest.yaml.lines import ADDRESS, CONFLICT, FENCE, indent_of, is_comment
from reconciler.model.secrets import SECRET_VARIABLE_PREFIX

_MOST_WORDS: Final = 200
_MOST_LINES: Final = 20_000
"""A text in which more words, or more lines, announce a secret is not shown."""
_LONGEST_LINE: Final = 1_000
_LONGEST_TEXT: Final = 100
_LONGEST_REGION: Final = 2_000
"""Lines; a region that is longer hides the rest of the text."""

_REFERENCE: Final = re.compile(
    rf"""\s*+(?:-\s++)?(?:(?!fromEnv)\w++)?["'\s:={{(\[]*+fromEnv["'\s:=]*+"""
    rf"""{SECRET_VARIABLE_PREFIX}\w++["'\s}})\],]*"""
)
"""A line that names nothing but a secret's variable, with any slip in the characters around it."""
_KEY: Final = re.compile(r"""([^\s,{}\[\]:"']+)["']?\s*:(?=\s|$)""")
_BEGINNING: Final = re.compile(
    rf"""\s*+(?:-\s++)*+(?:["']?{ADDRESS}["']?:\s*+(?:\#.*)?$"""
    r"""|["']?(?P<field>[^\W_]\w*)\b(?P<colon>["']?\s*+[:=])?(?P<bracket>\s*+[{\[])?"""
    rf"""|(?:{CONFLICT})(?:\s|$)|{FENCE})"""
)
_OPENING: Final = re.compile(
    r"""\s*+(?:-\s++)*+["']?[^\s,{}\[\]:"']+["']?\s*:\s*+(?:&\S++\s*+)?(?:[{\[#].*)?"""
)
"""A key of a mapping or list that begins below it, or in brackets."""
_FIRST: Final = re.compile(
    rf"""[^\w{{]*+(?:{ADDRESS}["']?\s*+(?::(?:\s|$)|$)"""
    rf"""|(?P<key>[\w.-]++(?=["']?\s*+:(?:\s|$))|{PHRASE}|\w[^\W_]*+)(?:["']?\s*+[:=])?(?P<bracket>\s*+[{{\[])?)"""
)
"""The address or the key with which a line begins, after any signs; a key may lack its colon."""
_LONE: Final = re.compile(r"""[{,]\s*+([^\s,{}\[\]:"'#]++)\s++[^\s:,}\]#]""")
"""A word in brackets that has no colon."""
_QUOTED: Final = re.compile(r"""\s*+(?:"(?:[^"\\]|\\.)*+"|'[^']*+')""")
_INDIRECT: Final = re.compile(r"[*&]\S")


class UnparsedText:
    """The lines of a text, and where secrets may go on below the line that announces them."""

    def __init__(self, lines: Sequence[str]) -> None:
        announcing = _announcing(lines)
        self._lines = lines
        self._is_hidden = len(announcing) > _MOST_LINES
        loose = [] if self._is_hidden else [at for at in announcing if _is_loose(lines[at])]
        self._loose = loose
        self._first = next((at for at in loose if not is_comment(lines[at])), len(lines))
        self._hide_below(loose)
        indirect = [at for at, line in enumerate(lines) if _INDIRECT.search(line)] if loose else []
        known = frozenset(loose)
        self._hides_anchors = any("*" in lines[at] and (at in known or self._is_below(at)) for at in indirect)
        if self._hides_anchors:
            self._hide_below(sorted({*loose, *(at for at in indirect if "&" in lines[at])}))

    def shown_length(self, index: int) -> int:
        """Return how many characters of the line at `index` may be shown."""
        line = self._lines[index][:_LONGEST_LINE]
        if self._is_hidden:
            return 0
        if _REFERENCE.fullmatch(line):
            return len(line)
        if self._is_below(index) or self._goes_on_unknown(index) or not self._begins_anew(index, line):
            return 0
        anchor = line.find("&") if self._hides_anchors else -1
        return min(shown_length(line), _unknown_key(line), len(line) if anchor < 0 else anchor)

    def _hide_below(self, starts: Sequence[int]) -> None:
        """Hide the lines that go on what begins in the lines at `starts`."""
        self._starts = starts
        self._ends = list(accumulate(map(self._end, starts), max))

    def _end(self, start: int) -> int:
        """Return the first line behind `start` that is not indented deeper; a `#` counts as a space there."""
        lines, in_comment = self._lines, is_comment(self._lines[start])
        indent = indent_of(lines[start].replace("#", " ", 1) if in_comment else lines[start])
        for at in range(start + 1, min(start + _LONGEST_REGION, len(lines))):
            line = lines[at]
            if line.strip() and indent_of(line) <= indent and not (in_comment and is_comment(line)):
                return at
        return len(lines)

    def _is_below(self, index: int) -> bool:
        """Return whether a secret, or an anchor that may hold one, may go on to the line at `index`."""
        before = bisect_left(self._starts, index)
        return before > 0 and index < self._ends[before - 1]

    def _goes_on_unknown(self, index: int) -> bool:
        """Return whether a text that begins behind an unknown key may go on to the line at `index`."""
        indent = indent_of(self._lines[index])
        for at in range(index - 1, max(index - _LONGEST_TEXT, -1), -1):
            line = self._lines[at][:_LONGEST_LINE]
            if line.strip() and indent_of(line) < indent and not is_comment(line):
                indent = indent_of(line)
                is_text = line.rstrip().endswith(":") or _field(line) not in documented_fields()
                if is_text and not _OPENING.fullmatch(line):
                    return True
        return False

    def _begins_anew(self, index: int, line: str) -> bool:
        """Return whether `line`, at `index`, surely is no part of a secret that is announced above it."""
        before = bisect_left(self._loose, index)
        is_next = before > 0 and not any(map(str.strip, self._lines[self._loose[before - 1] + 1 : index]))
        if not is_next and index <= self._first:
            return True
        found = _BEGINNING.match(line)
        if found is None or found["field"] is None:
            return found is not None
        return found["field"] in documented_fields() and not (is_next and found["colon"] is None)


def _announcing(lines: Sequence[str]) -> Sequence[int]:
    """Return the lines with a word or an escape that may announce a secret; each word is looked at once."""
    text = "\n".join(lines)
    names = re.compile(rf"{SECRET_VARIABLE_PREFIX}\w+").sub(SECRET_VARIABLE_PREFIX, text)
    words = [word for word in set(WORD.findall(names)) if may_announce(word)]
    if len(words) > _MOST_WORDS:
        return range(_MOST_LINES + 1)
    search = re.compile("|".join(map(re.escape, [*words, "\\"]))).search
    return [at for at, line in enumerate(lines) if search(line)]


def _is_loose(line: str) -> bool:
    """Return whether `line` may announce a secret that is no complete reference."""
    return len(line) > _LONGEST_LINE or (_REFERENCE.fullmatch(line) is None and is_loose(line))


def _field(line: str) -> str | None:
    """Return the word with which `line` begins, if it may be the name of a field."""
    found = _BEGINNING.match(line)
    return None if found is None else found["field"]


def _unknown_key(line: str) -> int:
    """Return the end of the first key on `line` that is not documented; the length of `line` if none."""
    at, known = 0, documented_fields()
    if (first := _FIRST.match(line)) is not None and first["key"] is not None:
        kind = known.get(first["key"])
        if kind is None or first["key"] in REFERENCE_KEYS:
            return behind_colon(line, first.end("key"))  # what follows may be a secret
        if "string" in kind and not first["bracket"]:
            quoted = _QUOTED.match(line, first.end())
            if quoted is None:
                return len(line)  # what looks like a key is a part of the text
            at = quoted.end()
    keys = (*_KEY.finditer(line, at), *_LONE.finditer(line, at))
    ends = (key.end(1) for key in keys if key[1] not in known and "/" not in key[1])
    return behind_colon(line, min(ends, default=len(line)))
