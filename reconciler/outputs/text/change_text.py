"""Changes of a plan as text, in full."""

from collections.abc import Mapping
from typing import Final, assert_never

from msgspec import Struct

from reconciler.model.identities import Address
from reconciler.model.plan import Action, Change
from reconciler.model.provenance import Provenance
from reconciler.outputs.accepting import accepting_advice_of
from reconciler.outputs.badges import badges_of
from reconciler.outputs.escapes import printable
from reconciler.outputs.exam_facts import ALIASED, payload_of, sides_of, title_of, windows_of
from reconciler.outputs.exam_values import ExamValue, values_of
from reconciler.outputs.groups import GROUPS
from reconciler.outputs.in_doubt import in_doubt_report_of
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.listing import Sources
from reconciler.outputs.text.console import (
    INDENT,
    Console,
    columns_of,
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


def print_change(change: Change, console: Console, context: Context) -> None:
    """Print `change` with all that a reviewer needs for its action."""
    _print_header(change, console)
    match change.action:
        case Action.CREATE | Action.IMPORT:
            _print_values(change, console, context)
            _print_differences(change, console, context)
        case Action.CHANGED | Action.MOVE | Action.ACCEPT:
            _print_differences(change, console, context)
            _print_acceptance(change, console, context.invocation)
        case Action.IN_DOUBT:
            _print_doubt(change, console, context.invocation)
        case Action.ORPHANED | Action.FORGET | Action.NOOP:
            pass
        case _:
            assert_never(change.action)


def _print_header(change: Change, console: Console) -> None:
    symbol, style = GROUPS[change.action].mark
    was = "" if change.moved_from is None else f"was {change.moved_from}"
    payload = payload_of(change)
    badges = badges_of(payload) if change.action in {Action.CREATE, Action.IMPORT} else []
    print_header(
        console,
        (f"  {symbol} ", style),
        change.address,
        title_of(payload),
        (", ".join(badges), "yellow"),
        (was, "dim"),
        (change.sid or "", "dim"),
    )


def _print_values(change: Change, console: Console, context: Context) -> None:
    """Print where the exam is declared, and every value; windows are one line each if one layer has both."""
    sources = context.provenance.get(change.address, {})
    values = {value.path: value for value in values_of(change, context.names, sources)}
    if change.timezone is not None:  # it is not sent, but all times come from it
        zone = ExamValue(path="timezone", text=change.timezone, source=sources.get("timezone"))
        values |= {zone.path: zone}
    if change.source is not None:
        put_fact("declared", console, str(change.source))
    if context.sources is Sources.MARKED:
        _print_usual(change, values, console)
    widest = max((columns_of(printable(value.name)) for value in values.values()), default=0)
    for value in values.values():
        is_placed = context.sources is Sources.PLACED
        source = _places(value.path, sources) if is_placed else _in_brackets(value.mark)
        _print_value(value, source, min(widest, _WIDEST_NAME) + 2, console)


def _print_usual(change: Change, values: dict[str, ExamValue], console: Console) -> None:
    """Print course and windows, and take them out of `values`; also the title, if the header has it whole."""
    course = values.pop("courseSid")
    put_fact("course", console, course.text, (_in_brackets(course.mark), "dim"))
    for label, window in windows_of(payload_of(change), change.timezone):
        paths = [f"configuration.{label}{bound}Date" for bound in ("Open", "Close")]
        marks = {values[path].mark for path in paths if path in values}
        if len(marks) == 1:
            put_window(label, window, console, mark=_in_brackets(marks.pop()))
            for path in paths:
                values.pop(path, None)
    title = values.get("title")
    if title is not None and not title.mark and title.text == title_of(payload_of(change)):
        del values["title"]


def _places(path: str, sources: Provenance) -> str:
    """Return where the value at `path` is written or, if it has an alias, where that and its SID are."""
    found = dict.fromkeys(str(sources[at]) for at in (ALIASED.get(path, path), path) if at in sources)
    return _in_brackets("; ".join(found))


def _print_value(value: ExamValue, source: str, columns: int, console: Console) -> None:
    room = width_of(console) - INDENT - columns
    text = printable(value.text)
    is_cramped = room < _NARROWEST_VALUE and columns_of(text + printable(source)) > room
    if is_cramped or any(columns_of(word) > room for word in text.split()):
        put_wrapped(console, (value.name, "dim"), indent=INDENT)
        put_wrapped(console, value.text, (source, "dim"), indent=INDENT + 2)
    else:
        put_fact(value.name, console, value.text, (source, "dim"), columns=columns)


def _in_brackets(mark: str) -> str:
    return f"  {unbroken(f'({mark})')}" if mark else ""


def _print_differences(change: Change, console: Console, context: Context) -> None:
    is_placed = context.sources is Sources.PLACED
    sources = context.provenance.get(change.address, {}) if is_placed else {}
    for difference in change.diff:
        sides = sides_of(difference, change.timezone, context.names)
        _print_difference(difference.path, sides, _places(difference.path, sources), console)


def _print_difference(path: str, sides: tuple[str, str], source: str, console: Console) -> None:
    before, after = sides
    declared = ((after, "green"), (source, "dim"))
    one_line = f"{path}: {before} → {after}{source}"
    if INDENT + columns_of(printable(one_line)) <= width_of(console):
        put_wrapped(console, f"{path}: ", (before, "red"), " → ", *declared, indent=INDENT)
        return
    put_wrapped(console, f"{path}:", indent=INDENT)
    put_wrapped(console, (f"- {before}", "red"), indent=INDENT + 2, hanging=INDENT + 4)
    put_wrapped(console, ("+ ", "green"), *declared, indent=INDENT + 2, hanging=INDENT + 4)


def _print_acceptance(change: Change, console: Console, invocation: Invocation) -> None:
    """Print why `change` is accepted, or how it can be."""
    if change.reason is not None:
        put_fact("reason", console, change.reason)
    if (advice := accepting_advice_of(change, invocation)) is None:
        return
    put(console, " " * INDENT, "once the exam itself is changed to this:")
    put(console, " " * (INDENT + 2), (advice.command, "bold"))
    if advice.manifest is not None:
        put(console, " " * INDENT, f"or through review, in {advice.place}:")
        put(console, " " * (INDENT + 2), (advice.manifest, "bold"))


def _print_doubt(change: Change, console: Console, invocation: Invocation) -> None:
    doubt = in_doubt_report_of(change, invocation)
    if doubt is None:
        print_settling(invocation.settling_commands(change.address), console)
    else:
        print_in_doubt_report(doubt, console)
