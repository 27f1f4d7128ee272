"""State as text: the exam of each address, and the exams in doubt."""

import json
from collections.abc import Iterator, Mapping
from typing import Final

from reconciler.model.errors import UsageError
from reconciler.model.identities import Address
from reconciler.model.instants import instant_in_words
from reconciler.model.payloads import Json, Payload
from reconciler.model.state import Entry, Intent, State
from reconciler.outputs.escapes import printable
from reconciler.outputs.exam_facts import PASSWORD_PATH, secret_words, title_of
from reconciler.outputs.in_doubt import in_doubt_reports_of_state
from reconciler.outputs.invocation import NO_OPTIONS, Invocation
from reconciler.outputs.text.console import (
    Console,
    Piece,
    columns_of,
    count_of,
    pad,
    put,
    put_wrapped,
    width_of,
)
from reconciler.outputs.text.in_doubt_text import (
    print_all_in_doubt,
    print_in_doubt_report,
    print_in_doubt_reports,
)

_SID_WIDTH: Final = 34
_LABEL_WIDTH: Final = 12


def print_state(state: State, console: Console, *, invocation: Invocation = NO_OPTIONS) -> None:
    """Print one line for each address of `state`, sorted; then their number and the first in-doubt reports.

    If an exam does not fit on one line of a terminal, each exam gets two.
    """
    rows = [_row(address, state) for address in sorted({*state.exams, *state.intents})]
    widest = max((columns_of(head) for (head, _), _ in rows), default=0)
    lines = [((pad(head, widest), style), tail) for (head, style), tail in rows]
    fits = all(_columns(head, "  ", *tail) <= width_of(console) for head, tail in lines)
    for head, tail in lines:
        if fits or not console.is_terminal:
            put(console, head, "  ", *tail)
        else:
            put(console, (head[0].rstrip(), head[1]))
            put_wrapped(console, *tail, indent=4)
    put(console, (_counted(state), "dim"))
    if state.service is not None:
        put(console, (f"The exams are at {state.service}", "dim"))
    print_in_doubt_reports(list(in_doubt_reports_of_state(state, invocation).values()), console, invocation)


def print_entry(
    address: Address, state: State, console: Console, *, invocation: Invocation = NO_OPTIONS
) -> None:
    """Print all that `state` knows of `address`. Raise UsageError if it knows nothing."""
    entry, intent = state.exams.get(address), state.intents.get(address)
    settled, accepted = state.resolutions_of(address), state.acceptances_of(address)
    if entry is not None:
        _print_entry(address, entry, state, console)
    elif intent is not None:
        _print_intent(address, intent, state, console, invocation)
    elif settled or accepted:
        put(console, (address, "bold"), "  not in state", ": it was settled" if settled else " any more")
        _print_history(address, state, console)
    else:
        raise UsageError(
            f"state holds no exam '{address}'",
            hint="`reconciler state list` shows the addresses that it holds.",
        )


def _columns(*pieces: Piece) -> int:
    return sum(columns_of(printable(piece if isinstance(piece, str) else piece[0])) for piece in pieces)


def _row(address: Address, state: State) -> tuple[tuple[str, str], list[Piece]]:
    entry = state.exams.get(address)
    known = entry or state.intents[address]
    sid: Piece = (pad("? in doubt", _SID_WIDTH), "magenta") if entry is None else entry.sid
    at = (instant_in_words(known.started_at if isinstance(known, Intent) else known.created_at), "dim")
    return (address, "bold"), [sid, "  ", known.course_sid, "  ", at, "  ", title_of(known.payload)]


def _print_entry(address: Address, entry: Entry, state: State, console: Console) -> None:
    put(console, (address, "bold"), "  ", title_of(entry.payload))
    _put_field(console, "sid", entry.sid)
    _put_field(console, "created", instant_in_words(entry.created_at))
    _print_history(address, state, console)
    _print_shared(entry, console)


def _print_intent(
    address: Address, intent: Intent, state: State, console: Console, invocation: Invocation
) -> None:
    put(console, (address, "bold"), "  ", title_of(intent.payload), "  ", ("in doubt", "bold magenta"))
    doubt = in_doubt_reports_of_state(state, invocation)[address]
    print_in_doubt_report(doubt, console)
    print_all_in_doubt([doubt], console, invocation)
    _print_history(address, state, console)
    put(console, "What was sent:")
    _print_shared(intent, console)


def _print_history(address: Address, state: State, console: Console) -> None:
    for resolution in state.resolutions_of(address):
        found = "there was no exam" if resolution.sid is None else f"it is {resolution.sid}"
        _put_field(console, "settled", f"{instant_in_words(resolution.at)} by {resolution.by}")
        _put_field(console, "", f"with `{resolution.how.value}`: {found}")
        _put_field(console, "", f"the attempt {resolution.attempt} of {resolution.address}")
    for accepted in state.acceptances_of(address):
        _put_field(console, "accepted", f"{instant_in_words(accepted.at)} by {accepted.by}")
        if accepted.reason is not None:
            put_wrapped(console, accepted.reason, indent=2 + _LABEL_WIDTH)
        _put_field(console, "", f"{accepted.digest} in place of")
        _put_field(console, "", f"{accepted.before}, as {accepted.address}")


def _print_shared(known: Entry | Intent, console: Console) -> None:
    _put_field(console, "install", known.install_sid)
    _put_field(console, "course", known.course_sid)
    _put_field(console, "digest", known.digest)
    put(console, "  ", ("payload", "dim"))
    for path, value in _leaves(known.payload, ""):
        put_wrapped(console, (f"{path}: ", "dim"), value, indent=4, hanging=8)


def _put_field(console: Console, label: str, value: str) -> None:
    put(console, "  ", (f"{label:{_LABEL_WIDTH}}", "dim"), value)


def _leaves(payload: Payload, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield dotted path and value in words of each field of `payload`, sorted."""
    for key in sorted(payload):
        value, path = payload[key], f"{prefix}{key}"
        if path == PASSWORD_PATH:
            yield path, secret_words(value)
        elif isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{path}.")
        else:
            yield path, _words(value)


def _words(value: Json) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _counted(state: State) -> str:
    counts = [count_of(len(state.exams), "exam")] if state.exams or not state.intents else []
    counts += [f"{len(state.intents):,} in doubt"]
    return f"{', '.join(counts)}; serial {state.serial}, lineage {state.lineage}"
