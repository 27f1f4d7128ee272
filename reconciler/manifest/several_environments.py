"""Combines what was found in several environments: equal diagnostics are told once."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reconciler.manifest.diagnostics import identity_of
from reconciler.manifest.loader import ordered
from reconciler.model.declarations import Declared, Loaded
from reconciler.model.diagnostics import Diagnostic
from reconciler.rules.registry import UNUSED_SUPPRESSION

OF_ENVIRONMENT: Final = frozenset(
    {"no-install-sid", "no-timezone", "unknown-alias", "unknown-environment", "unknown-term"}
)
"""Codes of errors in manifests that may only be due to a mistake in the workspace file, or to no choice."""

_Names: TypeAlias = tuple[str, ...]


class _Found(Struct, frozen=True):
    """A diagnostic, the environments that have it, and whether others read its file without finding it."""

    diagnostic: Diagnostic
    names: _Names
    is_only_there: bool


def in_all(loaded: Mapping[str, Loaded]) -> Loaded:
    """Combine the results of all environments, by name.

    What is declared at one place counts once. A diagnostic names the environments that have it, unless these
    are all that read its file.
    """
    found = _merged(loaded)
    told = [one.diagnostic for one in found if not one.is_only_there]
    told += _told(one for one in found if one.is_only_there and one.diagnostic.code != UNUSED_SUPPRESSION)
    return replace(
        next(iter(loaded.values())),
        declared=_declared_anywhere([each.declared for each in loaded.values()]),
        diagnostics=ordered(told),
        files=frozenset().union(*(each.files for each in loaded.values())),
    )


def _merged(loaded: Mapping[str, Loaded]) -> list[_Found]:
    """Return each diagnostic once, in the order of the environments."""
    holders: dict[object, tuple[Diagnostic, dict[str, None]]] = {}
    for name, each in loaded.items():
        for diagnostic in each.diagnostics:
            holders.setdefault(identity_of(diagnostic), (diagnostic, {}))[1][name] = None
    everyone = frozenset(loaded)
    readers: dict[str, set[str]] = {}
    for name, each in loaded.items():
        for file in each.files:
            readers.setdefault(file, set()).add(name)
    return [
        _Found(
            diagnostic,
            tuple(names),
            names.keys() != readers.get(diagnostic.span.start.file if diagnostic.span else "", everyone),
        )
        for diagnostic, names in holders.values()
    ]


def _told(found: Iterable[_Found]) -> Iterator[Diagnostic]:
    """Yield diagnostics of some environments with their names; what one environment lacks is told once."""
    alike: dict[object, list[_Found]] = {}
    for one in found:
        code = one.diagnostic.code
        subject: object = identity_of(one.diagnostic)
        if code in OF_ENVIRONMENT:  # the alias stands in the message, and nothing else counts
            subject = identity_of(one.diagnostic)[2] if code == "unknown-alias" else code
        alike.setdefault((subject, one.names), []).append(one)
    for same in alike.values():
        first, more = same[0], len(same) - 1
        places = "" if not more else f"; also at {more} more {'place' if more == 1 else 'places'}"
        message = f"{first.diagnostic.message} (in {' and '.join(first.names)}{places})"
        yield replace(first.diagnostic, message=message)


def _declared_anywhere(found: Collection[Declared]) -> Declared:
    """Return all declarations, each tuple sorted by address; of those at one place the first."""
    return Declared(
        **{
            name: tuple(
                sorted(
                    {item.declared_at: item for each in found for item in getattr(each, name)}.values(),
                    key=lambda item: (item.address, item.declared_at),
                )
            )
            for name in Declared.__struct_fields__
        }
    )
