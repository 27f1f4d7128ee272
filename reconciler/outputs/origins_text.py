"""Where the values of an exam come from, as text."""

from reconciler.model.origins import Origins
from reconciler.outputs.escapes import printable
from reconciler.outputs.terminal import Console, columns_of, pad, put

_INDENT = " " * 4
_WIDEST_PATH = 48


def print_origins(origins: Origins, console: Console) -> None:
    """Each value of `origins` stands on a line of its own, by path; nothing where there are none."""
    widest = min(max((columns_of(printable(path)) for path in origins), default=0), _WIDEST_PATH)
    for path, origin in sorted(origins.items()):
        columns = max(widest, columns_of(printable(path)))
        put(console, _INDENT, pad(path, columns), (f"  from {origin}", "dim"))
