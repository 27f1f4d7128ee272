"""Reads the workspace file as it was meant, where environments or their fields stand in the wrong place."""

from functools import cache
from typing import Final

from msgspec import Struct, field

from reconciler import schemas
from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.schema.strays import OUT_OF_PLACE, report_together
from reconciler.manifest.yaml.nodes import TextRange, Value, YamlMapping

_BLOCK: Final = "environments"
_LIKE_ENVIRONMENTS: Final = ("looks like an environment", "look like environments")
_IN_ONE: Final = "in an environment, below its name and indented"
_AT_THE_TOP: Final = "at the top of the file"
_IN_LINE: Final = f"under `{_BLOCK}`, in line with the environment above"
_INDENTED: Final = f"under `{_BLOCK}`, indented"


def workspace_as_meant(root: YamlMapping, diagnostics: FileDiagnostics) -> YamlMapping:
    """Return `root` with its environments in their block, and without fields that are out of place.

    Both are reported: those that belong in one place together.
    """
    sorting = _Sorting()
    top, block = sorting.sorted_out(root, _fields_of_file(), _INDENTED), root.get(_BLOCK)
    if isinstance(block, YamlMapping):
        for name, (at, value_at) in sorting.sorted_out(block, frozenset(), None).ranges().items():
            sorting.keep(name, block[name], at, value_at)
    if not sorting.strays:
        return root
    for (wrong, place), strays in sorting.strays.items():
        report_together(strays, wrong, place, diagnostics)
    meant = top.without({_BLOCK})
    if sorting.environments:
        first = sorting.environments.key_at(next(iter(sorting.environments)))
        meant.put(_BLOCK, sorting.environments, root.key_at(_BLOCK) if _BLOCK in root else first, first)
    return meant


class _Sorting(Struct):
    """What a workspace file holds: its environments, and by what is wrong with them its strays."""

    environments: YamlMapping = field(default_factory=YamlMapping)
    strays: dict[tuple[tuple[str, str], str], list[tuple[str, TextRange]]] = field(default_factory=dict)

    def keep(self, name: str, value: Value, at: TextRange, value_at: TextRange) -> None:
        """Keep the environment `name`, and beside it those that stand in it."""
        if name not in self.environments:
            self.environments.put(name, YamlMapping(), at, value_at)
            if isinstance(value, YamlMapping):
                value = self.sorted_out(value, _fields_of_environment(), _IN_LINE)
            self.environments[name] = value

    def sorted_out(self, holder: YamlMapping, own: frozenset[str], place: str | None) -> YamlMapping:
        """Return `holder`, which has the fields `own`, without strays.

        `place` says where an environment in it belongs; None for the block of environments.
        """
        inner, kept = _fields_of_environment(), YamlMapping()
        for key, (at, value_at) in holder.ranges().items():
            value = holder[key]
            is_environment = isinstance(value, YamlMapping) and not inner.isdisjoint(value)
            if is_environment and key not in own and place is not None:
                self._add(_LIKE_ENVIRONMENTS, place, key, at)
                self.keep(key, value, at, value_at)
            elif is_environment or key in own or key not in _fields_of_file() | inner:
                kept.put(key, value, at, value_at)
            else:
                self._add(OUT_OF_PLACE, _IN_ONE if key in inner else _AT_THE_TOP, key, at)
        return kept

    def _add(self, wrong: tuple[str, str], place: str, key: str, at: TextRange) -> None:
        self.strays.setdefault((wrong, place), []).append((key, at))


@cache
def _fields_of_file() -> frozenset[str]:
    return frozenset(schemas.load("workspace")["properties"])


@cache
def _fields_of_environment() -> frozenset[str]:
    return frozenset(schemas.load("workspace")["definitions"]["environment"]["properties"])
