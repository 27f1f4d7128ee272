"""Sentences about what apply will do with a plan, and what it will leave alone."""

from collections.abc import Iterator

from reconciler.model.plan import Action, Plan
from reconciler.outputs.groups import GROUPS
from reconciler.outputs.text.console import count_of


def summary_sentences(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield the sentences in order, each after the style to show it in."""
    if not plan.differs and not plan.guards:
        yield "bold green", headline(plan)
        return
    yield "bold red" if plan.guards else "bold", headline(plan, reasons="; see above for why")
    if left := _left(plan):
        yield "bold yellow", left
    if same := _same(plan):
        yield "", same


def headline(plan: Plan, *, reasons: str = "") -> str:
    """Return what apply will do in one sentence; for a refused plan, `reasons` says where to read why."""
    made = _made(plan)
    if plan.guards:
        would = f" Otherwise it would {made}." if made else ""
        return f"Apply will refuse this plan and send nothing{reasons}.{would}"
    if not plan.differs:
        return _all_up_to_date(plan.count(Action.NOOP))
    return f"Apply will {made}." if made else "Apply has nothing to do."


def remarks(plan: Plan) -> list[str]:
    """Return what apply leaves alone, and how many exams are up to date, for display after the headline."""
    return [sentence for _, sentence in summary_sentences(plan)][1:]


def _left(plan: Plan) -> str:
    left = [
        f"{count:,} {group.label}"
        for action, group in GROUPS.items()
        if (count := plan.count(action)) and not action.is_made_by_apply and action is not Action.NOOP
    ]
    return f"It will not touch: {', '.join(left)}." if left else ""


def _same(plan: Plan) -> str:
    same = plan.count(Action.NOOP)
    if not same:
        return ""
    return "1 is up to date." if same == 1 else f"{same:,} are up to date."


def _made(plan: Plan) -> str:
    made = [
        (group.label, count)
        for action, group in GROUPS.items()
        if action.is_made_by_apply and (count := plan.count(action))
    ]
    parts = [
        f"{verb} {count:,}" if number else f"{verb} {count_of(count, 'exam')}"
        for number, (verb, count) in enumerate(made)
    ]
    *most, last = parts or [""]
    return f"{', '.join(most)} and {last}" if most else last


def _all_up_to_date(count: int) -> str:
    match count:
        case 0:
            return "Nothing to do: no exam is declared."
        case 1:
            return "Nothing to do: the one exam is up to date."
        case _:
            return f"Nothing to do: all {count:,} exams are up to date."
