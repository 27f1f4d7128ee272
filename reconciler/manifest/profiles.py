"""The profiles that an exam lists: named partial exams, merged under it in their order."""

from typing import Final

from reconciler.manifest.defaults import PROFILES, Stack
from reconciler.manifest.findings import Findings
from reconciler.manifest.yaml_nodes import Mapping, Sequence
from reconciler.model.identities import Address
from reconciler.model.words import listed, suggestion

MAX_PROFILES: Final = 32


def profiles_of(
    exam: Mapping, stack: Stack, address: Address | None, findings: Findings
) -> tuple[str, ...] | None:
    """The profiles of `exam`, else those that its defaults list; None where a finding says what is wrong."""
    holder = exam if PROFILES in exam else stack.below()
    if holder is None or PROFILES not in holder:
        return ()
    written = holder[PROFILES]
    if not isinstance(written, Sequence):
        return None
    if len(written) > MAX_PROFILES:
        findings.add(
            "too-large",
            holder.key_at(PROFILES),
            f"more than {MAX_PROFILES} profiles are listed here",
            "Gather what belongs together in one profile.",
            address=address,
        )
        return None
    return _known(written, stack, address, findings)


def _known(
    written: Sequence, stack: Stack, address: Address | None, findings: Findings
) -> tuple[str, ...] | None:
    names: list[str] = []
    for index, name in enumerate(written):
        if not isinstance(name, str):
            continue
        if name not in stack.profiles:
            known = f"There are: {listed(sorted(stack.profiles))}." if stack.profiles else "There is none."
            findings.add(
                "unknown-profile",
                written.item_at(index),
                f"no profile is called {findings.echo(name)}",
                suggestion(name, sorted(stack.profiles), f"{known} Define it under `profiles`."),
                address=address,
            )
        elif name in names:
            findings.add(
                "duplicate-profile",
                written.item_at(index),
                f"the profile {findings.echo(name)} is listed twice",
                "Keep one of the two; of several profiles, the last one wins.",
                address=address,
            )
        else:
            names.append(name)
    return tuple(names) if len(names) == len(written) else None
