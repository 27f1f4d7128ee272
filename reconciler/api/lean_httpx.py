"""httpx without the command line that comes with it.

Where click, rich and pygments are installed, httpx loads all three for a command that nobody gives here. That
takes as long as loading the rest of it. A module that is None in `sys.modules` is one that cannot be had, and
httpx does without.
"""

import sys
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from types import ModuleType

_COMMAND_LINE: Final = "httpx._main"

if "httpx" not in sys.modules:
    sys.modules[_COMMAND_LINE] = cast("ModuleType", None)
    try:
        import httpx  # noqa: F401 - so that it is there without
    finally:
        del sys.modules[_COMMAND_LINE]
