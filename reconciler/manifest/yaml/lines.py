"""What a line of YAML is by its form alone: used where a text could not be parsed, or was not yet."""

import re
from typing import Final

ADDRESS: Final = r"[A-Za-z0-9][\w.-]*/[\w./-]*"
"""Pattern of an exam's address, which begins with a course, and of one that is mistyped."""
KEY: Final = rf"[^\W\d][\w.-]*|{ADDRESS}"
QUOTED: Final = r"\"[^\"]*\"|'[^']*'"
LEAD: Final = r"(?P<lead>[^\S\n]*(?:-[^\S\n]+)*)"
"""Pattern of what stands before a key: spaces, and the dashes of a list's item."""
CONFLICT: Final = r"<{7}|={7}|>{7}|\|{7}"
"""Pattern of the marker with which a line of a merge conflict begins."""
FENCE: Final = r"```|~~~"
"""Pattern of the marker around a code block of Markdown."""
COMMENT: Final = re.compile(r"[ \t]+#.*$")
"""A comment behind something else on its line."""


def indent_of(line: str) -> int:
    """Return the number of spaces at the start of `line`."""
    return len(line) - len(line.lstrip(" "))


def is_comment(line: str) -> bool:
    """Return whether `line` holds nothing but a comment."""
    return line.lstrip().startswith("#")


def is_written(line: str) -> bool:
    """Return whether `line` is neither blank nor a comment."""
    return bool(line.strip()) and not is_comment(line)
