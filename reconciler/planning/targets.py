"""Targets: the part of a plan that was asked for."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final

from reconciler.model.errors import UsageError
from reconciler.model.identities import Address
from reconciler.model.words import nearest

_NEAREST: Final = 3
_GLOB_CHARACTERS: Final = frozenset("*?[")


def targeted(addresses: Iterable[Address], targets: Sequence[str]) -> frozenset[Address]:
    """Those of `addresses` that any of `targets` matches; all of them where there are no targets.

    A target is an address or a glob, in which `*` also matches `/`. Raises UsageError for one that matches
    nothing.
    """
    candidates = frozenset(addresses)
    if not targets:
        return candidates
    return frozenset().union(*(_matches(target, candidates) for target in sorted(set(targets))))


def _matches(target: str, candidates: frozenset[Address]) -> frozenset[Address]:
    """Those of `candidates` that `target` matches: never none."""
    if _GLOB_CHARACTERS.isdisjoint(target):
        found = candidates & {Address(target)}
    else:
        found = frozenset(address for address in candidates if fnmatchcase(address, target))
    if not found:
        raise UsageError(f"the target {target!r} matches no address", hint=_hint(target, candidates))
    return found


def _hint(target: str, candidates: frozenset[Address]) -> str:
    """Which addresses `target` may have meant."""
    near = nearest(target, sorted(candidates), most=_NEAREST)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return "Targets are addresses as `plan` lists them, or globs over them such as 'cs101/*'."
