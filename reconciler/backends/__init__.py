"""Stores of state: each moves opaque bytes, locks, and compares before it swaps.

Promise: a store never looks inside what it moves, and none is loaded before its URL asks for it.
May import: `model`, `ports`, and each store its own driver.
"""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from reconciler.model.errors import UsageError
from reconciler.ports import StateBackend

_HINT = "Write it as file:PATH, for example file:exams.state.json."


def open_backend(url: str, *, root: Path) -> StateBackend:
    """The store that `url` names; a relative path is below `root`. Nothing is read or written yet."""
    parts = urlsplit(url)
    if not parts.scheme:
        raise UsageError(f"the state URL {url!r} has no scheme", hint=_HINT)
    if parts.scheme != "file":
        raise UsageError(f"the state URL's scheme {parts.scheme!r} is not one of: file", hint=_HINT)
    if parts.netloc not in {"", "localhost"} or parts.query or parts.fragment or not parts.path:
        raise UsageError(f"the state URL {url!r} does not name a local path", hint=_HINT)
    from reconciler.backends.file import FileBackend  # noqa: PLC0415 - only the store in use is loaded

    return FileBackend(root / unquote(parts.path), location=url)
