"""Guards over the service: a plan goes where it was meant to go, and where the exams in state are."""

from collections.abc import Collection, Iterator, Sequence

from reconciler.model.destination import URL_VARIABLE, NamedBy, ServiceUrl
from reconciler.model.identities import Address
from reconciler.model.plan import Action, Change, Guard
from reconciler.model.state import State


def service_guards(
    service: ServiceUrl | None, state: State, lines: Sequence[Change], *, kept: Collection[Address]
) -> Iterator[Guard]:
    """Every guard over `service` that refuses a plan of the `lines` that are `kept`."""
    if service is None:
        return
    if service.contradiction is not None:
        yield Guard(
            code="contradicting-url",
            message=f"{URL_VARIABLE} is {service.contradiction}, and the apiUrl of the environment is "
            f"{service.url}",
            hint="Unset the variable, or say with --api-url which of the two is meant.",
            addresses=(),
        )
    holds_some = bool(state.exams or state.intents)
    if holds_some and state.service is not None and state.service != service.url:
        yield Guard(
            code="other-service",
            message=f"the state is of exams at {state.service}, and this plan goes to {service.url}",
            hint="Check --env, --state and apiUrl. Only if it is the same service under a new address: "
            f"`reconciler state rebind --api-url {service.url}`.",
            addresses=(),
        )
    creates = [line for line in lines if line.action is Action.CREATE and line.address in kept]
    if holds_some and state.service is None and service.named_by is not NamedBy.CHOICE and creates:
        yield Guard(
            code="unbound-service",
            message="the state holds exams and does not say at which service; this plan would create more at "
            f"{service.url}",
            hint="Say which service it is: with apiUrl in reconciler.yaml, with --api-url, or with "
            "`reconciler state rebind --api-url URL`.",
            addresses=(),
        )
