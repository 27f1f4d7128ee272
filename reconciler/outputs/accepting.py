"""How to accept a changed exam once it was changed by hand to what is declared; the same in all formats."""

from collections.abc import Iterable

from msgspec import Struct

from reconciler.model.identities import as_yaml
from reconciler.model.plan import Action, Change
from reconciler.model.terms import manifest_for
from reconciler.outputs.invocation import Invocation


class AcceptingAdvice(Struct, frozen=True, kw_only=True):
    """How to accept one changed exam: a command or, through review, an item of `accepted` in a manifest.

    `item` is None if only the value of a secret differs: the digest does not cover that. `term` is that of
    the declaration.
    """

    command: str
    item: str | None
    term: str | None

    @property
    def place(self) -> str:
        """In words, the manifest that `manifest` belongs to."""
        return manifest_for(self.term)

    @property
    def manifest(self) -> str | None:
        """The block to paste into a manifest; None without an item."""
        return None if self.item is None else f"accepted: [{self.item}]"


def block_of(advice: Iterable[AcceptingAdvice]) -> list[str]:
    """Return the lines of one block for all items of `advice`; none if there are no items."""
    items = [f"  - {one.item}" for one in advice if one.item is not None]
    return ["accepted:", *items] if items else []


def accepting_advice_of(change: Change, invocation: Invocation) -> AcceptingAdvice | None:
    """Return how to accept `change`; None if it is not `changed`, or is in another course or install."""
    paths = {one.path for one in change.diff}
    if change.action is not Action.CHANGED or not paths.isdisjoint({"courseSid", "installSid"}):
        return None
    is_covered = not all(one.is_of_value for one in change.diff)
    return AcceptingAdvice(
        command=invocation.command("accept", change.address),
        item=f"{{exam: {as_yaml(change.address)}, digest: {change.digest}}}" if is_covered else None,
        term=change.term,
    )
