"""What apply will do about a plan and what it will not, in sentences."""

from collections.abc import Iterator
from typing import Final

from reconciler.model.plan import Action, Plan
from reconciler.outputs.text.console import count_of

_MADE: Final = {
    Action.CREATE: "create",
    Action.IMPORT: "adopt",
    Action.MOVE: "readdress",
    Action.FORGET: "forget",
    Action.ACCEPT: "accept",
}
_LEFT: Final = {Action.CHANGED: "changed", Action.ORPHANED: "orphaned", Action.IN_DOUBT: "in doubt"}


def summary_sentences(plan: Plan) -> Iterator[tuple[str, str]]:
    """The sentences in order, each with the style that its weight asks for."""
    if not plan.differs and not plan.guards:
        yield "bold green", _all_up_to_date(plan.count(Action.NOOP))
        return
    made = _made(plan)
    if plan.guards:
        would = f" Otherwise it would {made}." if made else ""
        yield "bold red", f"Apply will refuse this plan and send nothing; see above for why.{would}"
    else:
        yield "bold", f"Apply will {made}." if made else "Apply has nothing to do."
    if left := _left(plan):
        yield "bold yellow", left
    if same := _same(plan):
        yield "", same


def headline(plan: Plan) -> str:
    """The verdict in one sentence, which needs nothing around it to be understood."""
    if not plan.differs and not plan.guards:
        return _all_up_to_date(plan.count(Action.NOOP))
    made = _made(plan)
    if plan.guards:
        return (
            f"Apply will refuse this plan and send nothing.{f' Otherwise it would {made}.' if made else ''}"
        )
    return f"Apply will {made}." if made else "Apply has nothing to do."


def remarks(plan: Plan) -> list[str]:
    """What the headline leaves unsaid: what apply leaves alone, and what is as it should be."""
    return [said for said in (_left(plan), _same(plan)) if said] if plan.differs or plan.guards else []


def _left(plan: Plan) -> str:
    left = [f"{plan.count(action):,} {word}" for action, word in _LEFT.items() if plan.count(action)]
    return f"It will not touch: {', '.join(left)}." if left else ""


def _same(plan: Plan) -> str:
    same = plan.count(Action.NOOP)
    if not same:
        return ""
    return "1 is up to date." if same == 1 else f"{same:,} are up to date."


def _made(plan: Plan) -> str:
    counts = [(verb, plan.count(action)) for action, verb in _MADE.items() if plan.count(action)]
    parts = [
        f"{verb} {count:,}" if index else f"{verb} {count_of(count, 'exam')}"
        for index, (verb, count) in enumerate(counts)
    ]
    if len(parts) < 2:  # noqa: PLR2004 - one part has nothing to be joined to
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def _all_up_to_date(count: int) -> str:
    match count:
        case 0:
            return "Nothing to do: no exam is declared."
        case 1:
            return "Nothing to do: the one exam is up to date."
        case _:
            return f"Nothing to do: all {count:,} exams are up to date."
