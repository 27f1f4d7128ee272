"""Open the store that a state URL names. The module of a store is imported only when it is needed.

An installed package adds a store with an entry point of the group `reconciler.stores`, named after the
URL's scheme: a function that takes a URL and the workspace's directory as `root`, and returns a StateStore.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final

from reconciler.model.errors import UsageError
from reconciler.ports import StateStore
from reconciler.stores.store_errors import FILE_HINT
from reconciler.stores.urls import read_scheme

GROUP: Final = "reconciler.stores"

_OBJECT_SCHEMES: Final = ("s3", "gs", "az")
_GIT_SCHEMES: Final = ("git+file", "git+http", "git+https", "git+ssh")
_OPENERS: Final = {
    "file": "reconciler.stores.file:open_file",
    **dict.fromkeys(("http", "https"), "reconciler.stores.http_state:open_http"),
    **dict.fromkeys(_OBJECT_SCHEMES, "reconciler.stores.object_store:open_object_store"),
    **dict.fromkeys(_GIT_SCHEMES, "reconciler.stores.git_state:open_git"),
}
"""Module and function that open each built-in scheme."""

Opener = Callable[..., StateStore]
"""Returns the store that a URL names, without accessing it; takes `url` and `root`."""


def open_store(url: str, *, root: Path) -> StateStore:
    """Return the store that `url` names, without accessing it. A relative path is below `root`."""
    if url != url.encode(errors="replace").decode():
        raise UsageError(
            f"the state URL {url!r} holds bytes that are not UTF-8", hint="See docs/backends.md for its form."
        )
    scheme = read_scheme(url)
    if not scheme:
        raise UsageError(f"the state URL {url!r} has no scheme", hint=FILE_HINT)
    return _opener(scheme)(url, root=root)


def _opener(scheme: str) -> Opener:
    if scheme not in _OPENERS:
        return _installed(scheme)
    module, _, name = _OPENERS[scheme].partition(":")
    try:
        opener: Opener = getattr(import_module(module), name)
    except ImportError as error:
        if scheme not in _OBJECT_SCHEMES:
            raise
        raise UsageError(
            f"state at {scheme}: needs the package {error.name}, which is not installed",
            hint="Install it: pip install 'reconciler[object-storage]'.",
        ) from error
    return opener


def _installed(scheme: str) -> Opener:
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow, and needed for stores of others only

    for entry in entry_points(group=GROUP, name=scheme):
        try:
            opener: Opener = entry.load()
        except Exception as error:
            raise UsageError(
                f"the store for {scheme}: ({entry.value}) cannot be loaded: {type(error).__name__}: {error}",
                hint="Fix, update or remove the package that it comes with.",
            ) from error
        return opener
    raise UsageError(
        f"the state URL's scheme {scheme!r} is not one of: {', '.join(_OPENERS)}", hint=FILE_HINT
    )
