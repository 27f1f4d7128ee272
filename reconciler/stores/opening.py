"""Open the store that a state URL names. The module of a store is imported only when it is needed.

An installed package adds a store with an entry point of the group `reconciler.stores`, named after the
URL's scheme: a function that takes a URL and the workspace's directory as `root`, and returns a Store.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final

from reconciler.model.errors import PackageMissing, ReconcilerError, UsageError
from reconciler.model.words import suggestion
from reconciler.ports import Store
from reconciler.stores.store_errors import FILE_HINT
from reconciler.stores.urls import read_scheme
from reconciler.stores.wrappers import LIMIT_S, guard_store

GROUP: Final = "reconciler.stores"

_EARLIER_GROUP: Final = "reconciler.backends"
_METHODS: Final = ("load", "append", "replace", "has_ended")

_HTTP_SCHEMES: Final = ("http", "https")
_OBJECT_SCHEMES: Final = ("s3", "gs", "az")
_GIT_SCHEMES: Final = ("git+file", "git+http", "git+https", "git+ssh")
_OPENERS: Final = {
    "file": "reconciler.stores.file:open_file",
    **dict.fromkeys(_HTTP_SCHEMES, "reconciler.stores.http:open_http"),
    **dict.fromkeys(_OBJECT_SCHEMES, "reconciler.stores.bucket:open_bucket"),
    **dict.fromkeys(_GIT_SCHEMES, "reconciler.stores.git:open_git"),
}
"""Module and function that open each built-in scheme."""


def open_store(url: str, *, root: Path, is_typed: bool = False) -> Store:
    """Return the store that `url` names, without accessing it. A relative path is below `root`.

    `is_typed` means that the URL is from the command line, so that ambient credentials may go to its host.
    """
    if url != url.encode(errors="replace").decode():
        raise UsageError(
            f"the state URL {url!r} holds bytes that are not UTF-8",
            hint="See `reconciler explain stores` for its form.",
        )
    scheme = read_scheme(url)
    if not scheme:
        raise UsageError(f"the state URL {url!r} has no scheme", hint=FILE_HINT)
    if scheme in {*_HTTP_SCHEMES, *_OBJECT_SCHEMES}:
        store = _built_in(scheme)(url, root=root, is_typed=is_typed)
    elif scheme in _OPENERS:
        store = _built_in(scheme)(url, root=root)
    else:
        store = _open_installed(scheme, url, root)
    # A process that waits for a disk cannot be ended, with or without a limit.
    return guard_store(store, limit_s=None if scheme == "file" else LIMIT_S)


def _built_in(scheme: str) -> Callable[..., Store]:
    module, _, name = _OPENERS[scheme].partition(":")
    try:
        opener: Callable[..., Store] = getattr(import_module(module), name)
    except ImportError as error:
        if scheme not in _OBJECT_SCHEMES:
            raise
        raise PackageMissing(f"state at {scheme}:", error, extra="object-storage") from error
    return opener


def _open_installed(scheme: str, url: str, root: Path) -> Store:
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow, and needed for stores of others only

    for entry in (*entry_points(group=GROUP, name=scheme), *entry_points(group=_EARLIER_GROUP, name=scheme)):
        named = f"the store for {scheme}: ({entry.value})"
        try:
            store: Store = entry.load()(url, root=root)
        except ReconcilerError:
            raise
        except Exception as error:
            raise UsageError(
                f"{named} cannot be loaded: {type(error).__name__}: {error}",
                hint="Fix, update or remove the package that it comes with.",
            ) from error
        missing = [name for name in _METHODS if not callable(getattr(store, name, None))]
        if missing:
            raise UsageError(
                f"{named} has no method {missing[0]!r}: it was written for another version of reconciler",
                hint="Update the package that it comes with. `reconciler explain stores` says what a "
                "store is.",
            )
        return store
    raise UsageError(
        f"the state URL's scheme {scheme!r} is not one of: {', '.join(_OPENERS)}",
        hint=suggestion(scheme, _OPENERS, FILE_HINT),
    )
