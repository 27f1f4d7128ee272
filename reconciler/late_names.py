"""Late names: public names of a module that load what holds them when they are first used (PEP 562).

Promise: importing a module that has them loads nothing for them; each is looked up once.
May import: the standard library.
"""

from collections.abc import Callable, Mapping
from importlib import import_module


def late_names(namespace: dict[str, object], homes: Mapping[str, str]) -> Callable[[str], object]:
    """A `__getattr__` for the module whose globals are `namespace`.

    `homes` says for each name which module holds it: in full, or from a dot as a part of the package itself.
    """
    module = str(namespace["__name__"])

    def find(name: str) -> object:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        found: object = getattr(import_module(home, module), name)
        namespace[name] = found
        return found

    return find
