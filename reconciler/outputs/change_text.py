"""One change of a plan as text: whole, or on one line where there are many."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from rich.cells import cell_len
from rich.console import Console

from reconciler.model.plan import Action, Change, FieldDiff
from reconciler.model.state import Intent
from reconciler.outputs.escapes import printable
from reconciler.outputs.terminal import Piece, pad, put, put_fitted, put_labelled, put_wrapped, width_of
from reconciler.outputs.values import facts_of, payload_of, sides_of, title_of, windows_of
from reconciler.outputs.windows import Window, moment_text

_INDENT: Final = 4
_LABEL_WIDTH: Final = 9
_WIDEST_COLUMN: Final = 32


@dataclass(frozen=True, slots=True)
class Mark:
    """How an action looks: the symbol before each of its addresses, and the symbol's style."""

    symbol: str
    style: str


MARKS: Final = {
    Action.CREATE: Mark("+", "green"),
    Action.IMPORT: Mark("=", "cyan"),
    Action.MOVE: Mark(">", "cyan"),
    Action.FORGET: Mark("\N{MULTIPLICATION SIGN}", "cyan"),
    Action.CHANGED: Mark("~", "yellow"),
    Action.ORPHANED: Mark("-", "red dim"),
    Action.IN_DOUBT: Mark("?", "magenta"),
    Action.NOOP: Mark("✓", "dim"),
}


def print_change(change: Change, console: Console) -> None:
    """`change` stands there with all that a reviewer of its action wants to see."""
    _print_header(change, console)
    match change.action:
        case Action.CREATE | Action.IMPORT:
            _print_facts(change, console)
            _print_differences(change, console)
        case Action.CHANGED | Action.MOVE:
            _print_differences(change, console)
        case Action.IN_DOUBT:
            _print_doubt(change, console)
        case Action.ORPHANED | Action.FORGET | Action.NOOP:
            pass
        case _:
            assert_never(change.action)


def print_brief(changes: Sequence[Change], console: Console) -> None:
    """`changes` stand there on one line each, in columns."""
    addresses = _column([change.address for change in changes])
    titles = _column([title_of(payload_of(change)) for change in changes])
    for change in changes:
        mark = MARKS[change.action]
        put_fitted(
            console,
            (f"  {mark.symbol} ", mark.style),
            (pad(change.address, max(addresses, cell_len(change.address))), "bold"),
            "  ",
            pad(title_of(payload_of(change)), titles),
            "  ",
            (_brief_facts(change), "dim"),
        )


def _column(texts: Sequence[str]) -> int:
    return min(max(cell_len(printable(text)) for text in texts), _WIDEST_COLUMN)


def _brief_facts(change: Change) -> str:
    if change.action is Action.MOVE and change.moved_from is not None:
        return f"was {change.moved_from}"
    windows = [
        window.local for label, window in windows_of(payload_of(change), change.timezone) if label == "exam"
    ]
    fields = [", ".join(difference.path for difference in change.diff)]
    return "  ".join(fact for fact in [change.sid or "", *fields, change.course or "", *windows] if fact)


def _print_header(change: Change, console: Console) -> None:
    mark = MARKS[change.action]
    pieces: list[Piece] = [(f"  {mark.symbol} ", mark.style), (change.address, "bold")]
    if title := title_of(payload_of(change)):
        pieces += ["  ", title]
    if change.moved_from is not None:
        pieces += ["  ", (f"was {change.moved_from}", "dim")]
    if change.sid is not None:
        pieces += ["  ", (change.sid, "dim")]
    put_wrapped(console, *pieces, hanging=_INDENT)


def _print_facts(change: Change, console: Console) -> None:
    place = "" if change.source is None else f", declared at {change.source}"
    _print_labelled("course", console, change.course or change.course_sid, (place, "dim"))
    for label, window in windows_of(payload_of(change), change.timezone):
        _print_window(label, window, console)
    if facts := facts_of(payload_of(change)):
        _print_labelled("details", console, facts)


def _print_window(label: str, window: Window, console: Console) -> None:
    """Local time and UTC share a line where both fit, and are never broken within."""
    in_utc = f" ({window.utc})" if window.utc else ""
    if _INDENT + _LABEL_WIDTH + cell_len(window.local + in_utc) <= width_of(console):
        _print_labelled(label, console, window.local, (in_utc, "dim"))
    else:
        _print_labelled(label, console, window.local)
        _print_labelled("", console, (in_utc.strip(), "dim"))


def _print_labelled(label: str, console: Console, *pieces: Piece) -> None:
    put_labelled(console, label, *pieces, indent=_INDENT, label_width=_LABEL_WIDTH)


def _print_differences(change: Change, console: Console) -> None:
    for difference in change.diff:
        _print_difference(difference, change.timezone, console)


def _print_difference(difference: FieldDiff, timezone: str | None, console: Console) -> None:
    before, after = sides_of(difference, timezone)
    one_line = f"{difference.path}: {before} → {after}"
    if _INDENT + cell_len(printable(one_line)) <= width_of(console):
        put(console, " " * _INDENT, f"{difference.path}: ", (before, "red"), " → ", (after, "green"))
        return
    put(console, " " * _INDENT, f"{difference.path}:")
    put_wrapped(console, (f"- {before}", "red"), indent=_INDENT + 2, hanging=_INDENT + 4)
    put_wrapped(console, (f"+ {after}", "green"), indent=_INDENT + 2, hanging=_INDENT + 4)


def _print_doubt(change: Change, console: Console) -> None:
    if change.intent is not None:
        _print_attempt(change.intent, change.timezone, console)
    print_settling(change.address, console)


def _print_attempt(intent: Intent, timezone: str | None, console: Console) -> None:
    started = moment_text(
        intent.started_at.replace(microsecond=0).isoformat().replace("+00:00", "Z"), timezone
    )
    by = f", by {intent.by}" if intent.by else ""
    _print_labelled("attempt", console, f"{intent.attempt}, started {started}{by}")
    if intent.answer is not None:
        _print_labelled("answer", console, intent.answer.reason)


def print_settling(address: str, console: Console) -> None:
    """The two commands that settle a create in doubt stand there, each on a line to copy."""
    _put_command(console, f"reconciler resolve {address} --sid EX…", "if it is there")
    _put_command(console, f"reconciler resolve {address} --absent", "if it is not")


def _put_command(console: Console, command: str, condition: str) -> None:
    put(console, " " * _INDENT, f"{condition:15}", (command, "bold"))
