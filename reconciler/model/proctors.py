"""Types of proctors: words of an institution's own, or SIDs of the service."""

import re
from collections.abc import Mapping
from typing import Final

PROCTOR_TYPES: Final[Mapping[str, str]] = {"TS4b894875d26194988853e490dfb9bc41": "live online"}
"""What the documented SIDs mean. The service has more, and does not document them for exams."""

_SID: Final = re.compile(r"TS[a-f0-9]{32}")


def is_proctor_type_sid(text: str) -> bool:
    """Return whether `text` has the documented shape of a proctor type's SID."""
    return _SID.fullmatch(text) is not None


def proctor_words(kind: str) -> str:
    """Return the type of proctor `kind` in words, if it is a documented SID; otherwise `kind` itself."""
    return PROCTOR_TYPES.get(kind, kind)
