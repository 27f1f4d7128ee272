"""Globs over addresses: `*` stands for any characters, `/` included, and `?` for one."""

from fnmatch import fnmatchcase
from typing import Final

from reconciler.model.errors import UsageError
from reconciler.model.identities import Address, is_address
from reconciler.model.words import nearest

GLOB_RULE: Final = "`*` stands for any characters and `?` for one"

_WILD: Final = frozenset("*?")
_ONE: Final = "*"
_NEAREST: Final = 3


def is_glob(text: str) -> bool:
    """Return whether `text` holds a wildcard."""
    return not _WILD.isdisjoint(text)


def is_address_or_glob(text: str) -> bool:
    """Return whether `text` is an address, or a glob that an address can match."""
    return is_address(text.replace("*", "x").replace("?", "x"))


def matches(address: Address, glob: str) -> bool:
    """Return whether `glob`, which may be an address, stands for `address`."""
    return fnmatchcase(address, glob) if is_glob(glob) else address == glob


def selected(addresses: frozenset[Address], glob: str, what: str) -> frozenset[Address]:
    """Return those of `addresses` that `glob`, which may be an address or hold classes as `[ab]`, stands for.

    Raises UsageError, in which the glob is called `what`, if there are none.
    """
    found = frozenset(address for address in addresses if fnmatchcase(address, glob))
    if not found:
        near = nearest(glob, sorted(addresses), most=_NEAREST)
        otherwise = f"Addresses are as `plan` lists them, or globs such as 'cs101/*': {GLOB_RULE}."
        hint = f"Did you mean {' or '.join(near)}?" if near else otherwise
        raise UsageError(f"the {what} {glob!r} matches no address", hint=hint)
    return found


def is_glob_move(source: str, target: str) -> bool:
    """Return whether both ends have exactly one `*` and no `?`, so that a move can map one to the other."""
    return all(end.count(_ONE) == 1 and "?" not in end for end in (source, target))


def moved_address(address: Address, source: str, target: str) -> Address | None:
    """Return where a move from the glob `source` to `target` puts `address`; None if it does not move."""
    before, _, after = source.partition(_ONE)
    matched = address[len(before) : len(address) - len(after)]
    if address != f"{before}{matched}{after}":
        return None
    moved = target.replace(_ONE, matched)
    return Address(moved) if is_address(moved) else None
