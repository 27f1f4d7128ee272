"""Changes of a plan as text, in full."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias, assert_never

from msgspec import Struct

from reconciler.model.identities import Address
from reconciler.model.plan import Action, Change
from reconciler.model.provenance import Provenance
from reconciler.outputs.accepting import accepting_advice_of, block_of
from reconciler.outputs.badges import badges_of
from reconciler.outputs.escapes import printable
from reconciler.outputs.exam_facts import ALIASED, Window, payload_of, sides_of, title_of, windows_of
from reconciler.outputs.exam_values import ExamValue, values_of
from reconciler.outputs.groups import GROUPS
from reconciler.outputs.in_doubt import in_doubt_report_of
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.listing import Sources
from reconciler.outputs.section_groups import ExamGroup, split
from reconciler.outputs.text.console import (
    INDENT,
    Console,
    Piece,
    columns_of,
    count_of,
    put,
    put_fact,
    put_wrapped,
    unbroken,
    width_of,
)
from reconciler.outputs.text.in_doubt_text import (
    print_header,
    print_in_doubt_report,
    print_settling,
    put_window,
)

_WIDEST_NAME: Final = 40
_NARROWEST_VALUE: Final = 40
"""If less room is left beside the name of a value, a longer one is printed below it."""


class Context(Struct, frozen=True, kw_only=True):
    """What is known beside the changes: options of commands, aliases by SID, and the sources of values."""

    invocation: Invocation
    names: Mapping[str, str]
    provenance: Mapping[Address, Provenance]
    sources: Sources


class _Fact(Struct, frozen=True):
    """A text beside a label of fixed width, such as the course."""

    label: str
    text: str
    mark: str = ""


class _Times(Struct, frozen=True):
    """A window beside its label."""

    label: str
    window: Window
    mark: str


class _Value(Struct, frozen=True):
    """A value of the payload beside its name."""

    name: str
    text: str
    source: str


class _Difference(Struct, frozen=True):
    """A field that differs, and both of its sides."""

    path: str
    before: str
    after: str
    source: str


_Told: TypeAlias = _Fact | _Times | _Value | _Difference
"""What is told of an exam below its header, in words: sections for which it is equal share it."""


def print_group(group: ExamGroup, console: Console, context: Context) -> None:
    """Print `group` with all that a reviewer needs for its action: first what its members share."""
    changes = group.members
    told, own = split([list(_told(change, context)) for change in changes])
    facts, own_facts = split([_header_facts(change) for change in changes])
    symbol, style = GROUPS[group.first.action].mark
    count = "" if len(changes) == 1 else count_of(len(changes), "section")
    print_header(console, (f"  {symbol} ", style), group.address, *facts, count)
    _print_told(told, console, INDENT)
    if count:
        for change, its_facts, its_own in zip(changes, own_facts, own, strict=True):
            print_header(console, " " * INDENT, change.section or "", *its_facts, hanging=INDENT + 2)
            _print_told(its_own, console, INDENT + 2)
    _print_acceptance(changes, console, context.invocation)
    if group.first.action is Action.IN_DOUBT:
        _print_doubt(group.first, console, context.invocation)


def _header_facts(change: Change) -> list[Piece]:
    was = "" if change.moved_from is None else f"was {change.moved_from}"
    payload = payload_of(change)
    badges = badges_of(payload) if change.action in {Action.CREATE, Action.IMPORT} else []
    return [title_of(payload), (", ".join(badges), "yellow"), (was, "dim"), (change.sid or "", "dim")]


def _told(change: Change, context: Context) -> Iterator[_Told]:
    """Yield what is told of `change` below its header, apart from how to settle or accept it."""
    match change.action:
        case Action.CREATE | Action.IMPORT:
            yield from _values(change, context)
            yield from _differences(change, context)
        case Action.CHANGED | Action.MOVE | Action.ACCEPT:
            yield from _differences(change, context)
            if change.reason is not None:
                yield _Fact("reason", change.reason)
        case Action.IN_DOUBT | Action.ORPHANED | Action.FORGET | Action.NOOP:
            pass
        case _:
            assert_never(change.action)


def _values(change: Change, context: Context) -> Iterator[_Told]:
    """Yield where the exam is declared, and every value; windows are one line each if one layer has both."""
    sources = context.provenance.get(change.address, {})
    values = {value.path: value for value in values_of(change, context.names, sources)}
    if change.timezone is not None:  # it is not sent, but all times come from it
        zone = ExamValue(path="timezone", text=change.timezone, source=sources.get("timezone"))
        values |= {zone.path: zone}
    if change.source is not None:
        yield _Fact("declared", str(change.source))
    is_placed = context.sources is Sources.PLACED
    if not is_placed:
        yield from _usual(change, values)
    for value in values.values():
        source = _places(value.path, sources) if is_placed else _in_brackets(value.mark)
        yield _Value(value.name, value.text, source)


def _usual(change: Change, values: dict[str, ExamValue]) -> Iterator[_Told]:
    """Yield course and windows, and take them out of `values`; also the title, if the header has it whole."""
    course = values.pop("courseSid")
    yield _Fact("course", course.text, _in_brackets(course.mark))
    for label, window in windows_of(payload_of(change), change.timezone):
        paths = [f"configuration.{label}{bound}Date" for bound in ("Open", "Close")]
        marks = {values[path].mark for path in paths if path in values}
        if len(marks) == 1:
            yield _Times(label, window, _in_brackets(marks.pop()))
            for path in paths:
                values.pop(path, None)
    title = values.get("title")
    if title is not None and not title.mark and title.text == title_of(payload_of(change)):
        del values["title"]


def _places(path: str, sources: Provenance) -> str:
    """Return where the value at `path` is written or, if it has an alias, where that and its SID are."""
    found = dict.fromkeys(str(sources[at]) for at in (ALIASED.get(path, path), path) if at in sources)
    return _in_brackets("; ".join(found))


def _in_brackets(mark: str) -> str:
    return f"  {unbroken(f'({mark})')}" if mark else ""


def _differences(change: Change, context: Context) -> Iterator[_Told]:
    is_placed = context.sources is Sources.PLACED
    sources = context.provenance.get(change.address, {}) if is_placed else {}
    for difference in change.diff:
        before, after = sides_of(difference, change.timezone, context.names)
        yield _Difference(difference.path, before, after, _places(difference.path, sources))


def _print_told(told: Sequence[_Told], console: Console, indent: int) -> None:
    widest = max((columns_of(printable(one.name)) for one in told if isinstance(one, _Value)), default=0)
    for one in told:
        match one:
            case _Fact():
                put_fact(one.label, console, one.text, (one.mark, "dim"), indent=indent)
            case _Times():
                put_window(one.label, one.window, console, mark=one.mark, indent=indent)
            case _Value():
                _print_value(one, min(widest, _WIDEST_NAME) + 2, console, indent)
            case _Difference():
                _print_difference(one, console, indent)
            case _:
                assert_never(one)


def _print_value(value: _Value, columns: int, console: Console, indent: int) -> None:
    room = width_of(console) - indent - columns
    text = printable(value.text)
    is_cramped = room < _NARROWEST_VALUE and columns_of(text + printable(value.source)) > room
    if is_cramped or any(columns_of(word) > room for word in text.split()):
        put_wrapped(console, (value.name, "dim"), indent=indent)
        put_wrapped(console, value.text, (value.source, "dim"), indent=indent + 2)
    else:
        put_fact(value.name, console, value.text, (value.source, "dim"), columns=columns, indent=indent)


def _print_difference(one: _Difference, console: Console, indent: int) -> None:
    declared = ((one.after, "green"), (one.source, "dim"))
    one_line = f"{one.path}: {one.before} → {one.after}{one.source}"
    if indent + columns_of(printable(one_line)) <= width_of(console):
        put_wrapped(console, f"{one.path}: ", (one.before, "red"), " → ", *declared, indent=indent)
        return
    put_wrapped(console, f"{one.path}:", indent=indent)
    put_wrapped(console, (f"- {one.before}", "red"), indent=indent + 2, hanging=indent + 4)
    put_wrapped(console, ("+ ", "green"), *declared, indent=indent + 2, hanging=indent + 4)


def _print_acceptance(changes: Sequence[Change], console: Console, invocation: Invocation) -> None:
    """Print how `changes`, which are of one exam, can be accepted."""
    advice = [one for change in changes if (one := accepting_advice_of(change, invocation)) is not None]
    if not advice:
        return
    is_one = len(advice) == 1
    put(
        console,
        " " * INDENT,
        f"once the {'exam itself is' if is_one else 'exams themselves are'} changed to this:",
    )
    for one in advice:
        put(console, " " * (INDENT + 2), (one.command, "bold"))
    blocks = [one.manifest for one in advice if one.manifest is not None]
    if blocks:
        put(console, " " * INDENT, f"or through review, in {advice[0].place}:")
    for line in blocks if len(blocks) == 1 else block_of(advice):
        put(console, " " * (INDENT + 2), (line, "bold"))


def _print_doubt(change: Change, console: Console, invocation: Invocation) -> None:
    doubt = in_doubt_report_of(change, invocation)
    if doubt is None:
        print_settling(invocation.settling_commands(change.address), console)
    else:
        print_in_doubt_report(doubt, console)
