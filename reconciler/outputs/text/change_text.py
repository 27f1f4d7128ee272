"""Changes of a plan as text: in full, or on one line each."""

from collections.abc import Sequence
from typing import Final, assert_never

from reconciler.model.plan import Action, Change, FieldDiff
from reconciler.outputs.accepting import accepting_advice_of
from reconciler.outputs.escapes import printable
from reconciler.outputs.exam_facts import facts_of, payload_of, sides_of, title_of, window_of, windows_of
from reconciler.outputs.groups import GROUPS
from reconciler.outputs.in_doubt import in_doubt_report_of
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.text.console import (
    INDENT,
    Console,
    columns_of,
    pad,
    put,
    put_fact,
    put_fitted,
    put_wrapped,
    width_of,
)
from reconciler.outputs.text.in_doubt_text import (
    print_header,
    print_in_doubt_report,
    print_settling,
    put_window,
)

_WIDEST_COLUMN: Final = 32


def print_change(change: Change, console: Console, invocation: Invocation) -> None:
    """Print `change` with all facts that a reviewer needs for its action."""
    _print_header(change, console)
    match change.action:
        case Action.CREATE | Action.IMPORT:
            _print_facts(change, console)
            _print_differences(change, console)
        case Action.CHANGED | Action.MOVE | Action.ACCEPT:
            _print_differences(change, console)
            _print_acceptance(change, console, invocation)
        case Action.IN_DOUBT:
            _print_doubt(change, console, invocation)
        case Action.ORPHANED | Action.FORGET | Action.NOOP:
            pass
        case _:
            assert_never(change.action)


def print_brief(changes: Sequence[Change], console: Console) -> None:
    """Print `changes` on one line each, in columns."""
    addresses = _column([change.address for change in changes])
    titles = _column([title_of(payload_of(change)) for change in changes])
    for change in changes:
        symbol, style = GROUPS[change.action].mark
        put_fitted(
            console,
            (f"  {symbol} ", style),
            (pad(change.address, max(addresses, columns_of(change.address))), "bold"),
            "  ",
            pad(title_of(payload_of(change)), titles),
            "  ",
            (_brief_facts(change), "dim"),
        )


def _column(texts: Sequence[str]) -> int:
    return min(max(columns_of(printable(text)) for text in texts), _WIDEST_COLUMN)


def _brief_facts(change: Change) -> str:
    if change.action is Action.MOVE and change.moved_from is not None:
        return f"was {change.moved_from}"
    window = window_of(payload_of(change), "exam", change.timezone)
    fields = ", ".join(difference.path for difference in change.diff)
    facts = (change.sid, fields, change.course, None if window is None else window.local)
    return "  ".join(fact for fact in facts if fact)


def _print_header(change: Change, console: Console) -> None:
    symbol, style = GROUPS[change.action].mark
    was = "" if change.moved_from is None else f"was {change.moved_from}"
    title = title_of(payload_of(change))
    print_header(
        console, (f"  {symbol} ", style), change.address, title, (was, "dim"), (change.sid or "", "dim")
    )


def _print_facts(change: Change, console: Console) -> None:
    place = "" if change.source is None else f", declared at {change.source}"
    put_fact("course", console, change.course or change.course_sid, (place, "dim"))
    for label, window in windows_of(payload_of(change), change.timezone):
        put_window(label, window, console)
    if facts := facts_of(payload_of(change)):
        put_fact("details", console, facts)


def _print_differences(change: Change, console: Console) -> None:
    for difference in change.diff:
        _print_difference(difference, change.timezone, console)


def _print_difference(difference: FieldDiff, timezone: str | None, console: Console) -> None:
    before, after = sides_of(difference, timezone)
    one_line = f"{difference.path}: {before} → {after}"
    if INDENT + columns_of(printable(one_line)) <= width_of(console):
        put(console, " " * INDENT, f"{difference.path}: ", (before, "red"), " → ", (after, "green"))
        return
    put(console, " " * INDENT, f"{difference.path}:")
    put_wrapped(console, (f"- {before}", "red"), indent=INDENT + 2, hanging=INDENT + 4)
    put_wrapped(console, (f"+ {after}", "green"), indent=INDENT + 2, hanging=INDENT + 4)


def _print_acceptance(change: Change, console: Console, invocation: Invocation) -> None:
    """Print why `change` is accepted, or how it can be."""
    if change.reason is not None:
        put_fact("reason", console, change.reason)
    if (advice := accepting_advice_of(change, invocation)) is None:
        return
    put(console, " " * INDENT, "once the exam itself is changed to this:")
    put(console, " " * (INDENT + 2), (advice.command, "bold"))
    if advice.manifest is not None:
        put(console, " " * INDENT, "or through review, in a manifest:")
        put(console, " " * (INDENT + 2), (advice.manifest, "bold"))


def _print_doubt(change: Change, console: Console, invocation: Invocation) -> None:
    doubt = in_doubt_report_of(change, invocation)
    if doubt is None:
        print_settling(invocation.settling_commands(change.address), console)
    else:
        print_in_doubt_report(doubt, console)
