"""Proposes repairs of the lines near a syntax error, the most specific first; `slips` tries them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, pairwise, zip_longest
from typing import Final

from msgspec import Struct

from reconciler.manifest.fields import documented_fields, fields_of, top_fields
from reconciler.manifest.yaml.flow_repairs import of_open_brackets
from reconciler.manifest.yaml.line_repairs import (
    Slip,
    of_items,
    of_odd_characters,
    of_prose,
    of_signs_before_keys,
    of_spelling,
    of_strays,
    of_tab,
)
from reconciler.manifest.yaml.lines import indent_of, is_written
from reconciler.manifest.yaml.value_repairs import of_braces, of_open_quote, of_value, opens_quote

_NEAR: Final = 9
"""Lines that are looked at: that of the error, and those before it."""
_MOST_ODD: Final = 60
"""Lines up to the error in which foreign characters are looked for."""
_MOST_QUOTES: Final = 3
_MOST_ADDRESSES: Final = 3
_BESIDE: Final = 40
"""Lines that are looked at for the indentation of a line."""
_COUNTED: Final = 500
"""Lines before and behind the error whose indentations are counted."""


class Proposals(Struct):
    """The lines of a file, which may change between two calls, and what may be wrong with them."""

    lines: list[str]

    def near(self, at_line: int, opened_at: int | None) -> Iterator[Slip]:
        """Yield repairs of lines near `at_line`, and of those that may have left something open."""
        lines = self.lines
        for index in range(at_line, max(at_line - _MOST_ODD, -1), -1):
            if not lines[index].isascii():
                yield from of_odd_characters(index, lines[index], lines[max(index - 1, 0) : index + 2])
        near = list(islice(self.written(range(at_line, -1, -1)), _NEAR))
        if opened_at is not None and opened_at < at_line and opened_at not in near:
            near.append(opened_at)
        yield from self._of_words(near)
        begun = (next(self.written(range(row + 1, at_line)), at_line) for row in self.headers(at_line))
        for index in dict.fromkeys([*near, *begun]):
            yield from self._of_lost_line(index)
            yield from self._of_outdented(index)
        for index in near:
            yield from of_value(index, lines[index])
        ended = near[1:2] if is_written(lines[at_line]) else near[:1]
        if opened_at is not None and ended and ended[0] >= opened_at:
            yield from of_open_brackets(lines, opened_at, ended[0])
        quotes = (row for row in range(at_line, -1, -1) if opens_quote(lines[row]))
        for index in islice(quotes, _MOST_QUOTES):
            yield from of_open_quote(index, lines[index])
        yield from self._of_text(near)
        yield from self._of_indentation(near, at_line)

    def _of_words(self, near: Sequence[int]) -> Iterator[Slip]:
        """Yield repairs of keys, dashes, tabs, and lines that are no YAML."""
        lines = self.lines
        for index, before in zip_longest(near, near[1:]):
            above = "" if before is None else lines[before]
            yield from of_tab(index, lines[index], [above, *lines[index + 1 : index + 2]])
            yield from of_items(index, lines[index], above)
            yield from of_spelling(index, lines[index])
            yield from of_strays(index, lines[index])

    def _of_text(self, near: Sequence[int]) -> Iterator[Slip]:
        """Yield repairs of text where a key is expected, of signs before keys, and of blocks in brackets."""
        for index, before in pairwise(near):
            yield from of_prose(index, self.lines, before, next(self.headers(index), None))
        for index in near:
            yield from of_signs_before_keys(index, self.lines[index])
            yield from of_braces(index, self.lines[index])

    def written(self, rows: Iterable[int]) -> Iterator[int]:
        """Yield those of `rows` that are no blank lines and no comments."""
        return (row for row in rows if is_written(self.lines[row]))

    def headers(self, index: int) -> Iterator[int]:
        """Yield the lines above `index` that open the blocks around it, the innermost first."""
        limit = indent_of(self.lines[index])
        for row in range(index - 1, -1, -1):
            if not limit:
                return
            line = self.lines[row]
            if indent_of(line) < limit and is_written(line):
                limit = indent_of(line)
                yield row

    def _of_lost_line(self, index: int) -> Iterator[Slip]:
        """Yield a repair with the line that is missing above: an exam's address, or `configuration:`."""
        line = self.lines[index]
        before = next(self.written(range(index - 1, -1, -1)), None)
        if before is None or indent_of(line) < (indent := indent_of(self.lines[before])) + 2:
            return
        (key, _), (above, value) = _key_and_value(line), _key_and_value(self.lines[before])
        if above == "exams" and not value and key in fields_of("exam"):
            message = "the line with the address of this exam is missing above"
            advice = "Write one like `cs101/midterm-1:`, indented less than this line."
            width = next(iter(self._addresses(index)), indent + 1)
            yield _lost(index, line, f"{' ' * width}an/exam:", message, advice)
        elif key in fields_of("configuration"):
            message = "the line `configuration:` is missing above"
            if value and above in fields_of("exam"):
                advice = f"Write it above this line, in line with line {before + 1}."
                yield _lost(index, line, f"{' ' * indent}configuration:", message, advice)
            elif not value and (above == "defaults" or "/" in above):
                advice = f"Write it above this line, indented more than line {before + 1}."
                width = (indent + indent_of(line)) // 2
                yield _lost(index, line, f"{' ' * width}configuration:", message, advice)

    def _of_outdented(self, index: int) -> Iterator[Slip]:
        """Yield a repair of the first lines of a configuration, if they stand in line with its key."""
        above = list(islice(self.written(range(index - 1, max(index - _BESIDE, -1), -1)), _BESIDE))
        if not above or indent_of(self.lines[above[0]]) >= indent_of(self.lines[index]):
            return
        for between, row in enumerate(above):
            key, value = _key_and_value(self.lines[row])
            is_beside = indent_of(self.lines[row]) == indent_of(self.lines[above[0]])
            if between > 1 and is_beside and key == "configuration" and not value:
                message = (
                    "this is indented more than the lines above it, which belong under `configuration` too"
                )
                advice = f"Indent what is between line {row + 1} and this one like this line."
                yield _lost(index, self.lines[index], self.lines[row], message, advice)
            if key not in fields_of("configuration") or not is_beside:
                return

    def _of_indentation(self, near: Sequence[int], at_line: int) -> Iterator[Slip]:
        """Yield repairs of indentation; first of the lines that share it with the fewest others."""
        around = range(max(at_line - _COUNTED, 0), min(at_line + _COUNTED, len(self.lines)))
        used = Counter(_form(self.lines[row]) for row in self.written(around))
        widths = Counter(indent_of(self.lines[row]) for row in self.written(around))
        blocks = dict.fromkeys([*near, *(row for line in near[:2] for row in self.headers(line))])
        for index in sorted(
            blocks, key=lambda index: (used[_form(self.lines[index])], widths[indent_of(self.lines[index])])
        ):
            yield from self._of_indent(index)

    def _of_indent(self, index: int) -> Iterator[Slip]:
        """Yield repairs of a line's indentation: that of its neighbours, the most similar first."""
        line = self.lines[index]
        here, kind = _form(line)
        behind = next(self.written(range(index + 1, min(index + _BESIDE, len(self.lines)))), None)
        below = 0 if behind is None else indent_of(self.lines[behind])
        for there, other in sorted(
            ((kind == "address" and self._addresses(index)) or self._neighbours(index)).items(),
            key=lambda each: (_form(self.lines[each[1]])[1] != kind, abs(each[0] - here)),
        ):
            if there == here or (line.rstrip().endswith(":") and here < below <= there):
                continue
            if kind == "field" and self._is_outside(line, there, other):
                continue
            by, advice = here - there, f"Line it up with line {other + 1}."
            spaces = "1 space" if abs(by) == 1 else f"{abs(by)} spaces"
            message = f"this is indented {spaces} {'more' if by > 0 else 'less'} than line {other + 1}"
            fixed = f"{' ' * there}{line.lstrip(' ')}"
            yield Slip(index, 0, here, message, advice, fixed, is_spelt=False, too_deep=by)

    def _is_outside(self, line: str, there: int, other: int) -> bool:
        """Return whether the field on `line` cannot stand `there`, like the line `other`."""
        is_top = there == 0 and _key_and_value(line)[0].lstrip("- ") not in top_fields()
        return is_top or _form(self.lines[other])[1] == "address"

    def _neighbours(self, index: int) -> dict[int, int]:
        """Return the indentations that the line at `index` may have, each with a line that has it."""
        before = list(islice(self.written(range(index - 1, -1, -1)), _BESIDE))
        behind = islice(self.written(range(index + 1, min(index + _BESIDE, len(self.lines)))), 1)
        found = dict[int, int]()
        for row in (*reversed(before), *behind, *before[:1]):  # the nearest are last, and count
            line = self.lines[row]
            found[len(line) - len(line.lstrip(" -"))] = found[indent_of(line)] = row
        return found

    def _addresses(self, index: int) -> dict[int, int]:
        """Return the indentations of the addresses near `index`, each with a line that has it."""
        rows = chain(
            range(index - 1, max(index - _COUNTED, -1), -1),
            range(index + 1, min(index + _COUNTED, len(self.lines))),
        )
        alike = (row for row in self.written(rows) if _form(self.lines[row])[1] == "address")
        return {indent_of(self.lines[row]): row for row in reversed(list(islice(alike, _MOST_ADDRESSES)))}


def _lost(index: int, line: str, above: str, message: str, advice: str) -> Slip:
    fixed = f"{above}\n{line}"
    return Slip(index, indent_of(line), len(line.rstrip()), message, advice, fixed, is_spelt=False)


def _key_and_value(line: str) -> tuple[str, str]:
    """Return the key on `line`, and what follows its colon."""
    key, _, value = line.strip().partition(":")
    return key, value.strip()


def _form(line: str) -> tuple[int, str]:
    """Return how deep `line` is indented, and what it begins with."""
    word = (line.lstrip(" -").split(maxsplit=1) or [line])[0]
    kind = "field" if word.rstrip(":") in documented_fields() else "address" if "/" in word else "other"
    return indent_of(line), kind
