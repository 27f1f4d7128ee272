"""Help for each code of a diagnostic, for formats that list the checks of a tool."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct


class Help(Struct, frozen=True, kw_only=True):
    """What a check reports: in a sentence and, for a rule, as Markdown and as the URL of its page."""

    sentence: str
    markdown: str | None = None
    uri: str | None = None


_UNKNOWN: Final = "A check of this workspace. Its message says what is wrong and what to do."


def help_of(code: str, known: Mapping[str, Help]) -> Help:
    """Return the help for the check `code`; a general sentence for a check of the workspace's own."""
    return known.get(code) or Help(sentence=_UNKNOWN)
