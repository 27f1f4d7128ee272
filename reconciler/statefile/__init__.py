"""State between bytes and values: the formats of snapshot and journal, replay, and the locked session.

Promise: what a session has acknowledged survives any crash; what cannot be read is reported, never guessed.
Importing this package loads nothing of the journal; using a name below loads what that name needs.
May import: `model`, `ports`, `json_text`, orjson.
"""

from typing import TYPE_CHECKING, Final

from reconciler.late_names import late_names
from reconciler.statefile.fields import MalformedError
from reconciler.statefile.replay import replay
from reconciler.statefile.session import Session, initialise, load_state, open_session
from reconciler.statefile.state_format import decode_state, empty_state, encode_state

if TYPE_CHECKING:
    from reconciler.statefile.feedback import feed
    from reconciler.statefile.journal_format import (
        Journal,
        decode_journal,
        decode_recovery,
        encode_header,
        encode_record,
        encode_recovery_header,
    )
    from reconciler.statefile.migration import Migration

__all__ = [
    "Journal",
    "MalformedError",
    "Migration",
    "Session",
    "decode_journal",
    "decode_recovery",
    "decode_state",
    "empty_state",
    "encode_header",
    "encode_record",
    "encode_recovery_header",
    "encode_state",
    "feed",
    "initialise",
    "load_state",
    "open_session",
    "replay",
]

_HOMES: Final = {
    "Journal": ".journal_format",
    "Migration": ".migration",
    "decode_journal": ".journal_format",
    "decode_recovery": ".journal_format",
    "encode_header": ".journal_format",
    "encode_record": ".journal_format",
    "encode_recovery_header": ".journal_format",
    "feed": ".feedback",
}

__getattr__ = late_names(globals(), _HOMES)
