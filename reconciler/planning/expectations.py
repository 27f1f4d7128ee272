"""Expectations: check that a plan makes nothing but what was reviewed."""

from typing import Final

from reconciler.model.destination import URL_VARIABLE, Destination
from reconciler.model.errors import ExpectationFailed
from reconciler.model.plan import Change, Plan
from reconciler.model.words import first_few

_HINT: Final = "Nothing was sent. Review a new plan, and expect that one."
_PARTS: Final = (
    "address",
    "action",
    "install",
    "course",
    "SID",
    "content",
    "former address",
)  # of a change's identity, in its order


def check_expectation(plan: Plan, reviewed: Plan | str) -> None:
    """Raise ExpectationFailed unless all that `plan` would make was reviewed.

    `reviewed` is the plan that was, or its fingerprint. Changes of a reviewed plan that have been applied
    since may be missing; a fingerprint must be equal, unless nothing is left to make. The
    error names some of the addresses that differ and says how.
    """
    if not isinstance(reviewed, str):
        _check_plan(plan, reviewed)
    elif plan.to_make and plan.fingerprint != reviewed:
        raise ExpectationFailed(
            f"the plan's fingerprint is {plan.fingerprint}, and {reviewed} was expected", hint=_HINT
        )


def _check_plan(plan: Plan, reviewed: Plan) -> None:
    there, here = reviewed.destination, plan.destination
    if there.api_url is None:
        raise ExpectationFailed(
            "the reviewed plan is of format 1, which does not say which service it is for", hint=_HINT
        )
    if there.environment != here.environment:
        raise ExpectationFailed(
            f"the reviewed plan is for {_environment(there)}, and this is one for {_environment(here)}",
            hint="Nothing was sent. Check --env, or review a plan of the environment that you mean.",
        )
    if there.api_url != here.api_url:
        raise ExpectationFailed(
            f"the reviewed plan goes to {there.api_url}, and this one to {here.api_url}",
            hint=f"Nothing was sent. Check apiUrl, --api-url and {URL_VARIABLE}, or review a new plan.",
        )
    if plan.lineage != reviewed.lineage:
        raise ExpectationFailed(
            f"the reviewed plan is of another state: its lineage is {reviewed.lineage}, not {plan.lineage}",
            hint="Nothing was sent. Check --env and --state, or review a new plan.",
        )
    agreed = {change.identity for change in reviewed.to_make}
    unagreed = [change for change in plan.to_make if change.identity not in agreed]
    if not unagreed:
        return
    lines = {change.address: change for change in reviewed.changes}
    named = [f"{change.address} {_difference(change, lines.get(change.address))}" for change in unagreed]
    raise ExpectationFailed(f"this is not the plan that was reviewed: {first_few(named)}", hint=_HINT)


def _environment(destination: Destination) -> str:
    return (
        "no environment" if destination.environment is None else f"the environment {destination.environment}"
    )


def _difference(change: Change, reviewed: Change | None) -> str:
    """Return how `change` differs from the line that was reviewed for its address."""
    if reviewed is None:
        return f"was not in it, and is now to {change.action.value}"
    if change.action is not reviewed.action:
        return f"was {reviewed.action.value} in it, and is now to {change.action.value}"
    parts = [
        part
        for part, now, then in zip(_PARTS, change.identity, reviewed.identity, strict=True)
        if now != then
    ]
    return f"has another {' and '.join(parts)}"
