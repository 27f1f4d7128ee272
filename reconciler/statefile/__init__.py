"""State between bytes and values: the formats of snapshot and journal, replay, and the locked session.

Promise: what a session has acknowledged survives any crash; what cannot be read is reported, never guessed.
May import: `model`, `ports`, `json_text`, orjson.
"""

from reconciler.statefile.feedback import feed
from reconciler.statefile.fields import MalformedError
from reconciler.statefile.journal_format import (
    Journal,
    decode_journal,
    decode_recovery,
    encode_header,
    encode_record,
    encode_recovery_header,
)
from reconciler.statefile.migration import Migration
from reconciler.statefile.replay import replay
from reconciler.statefile.session import Session, initialise, load_state, open_session
from reconciler.statefile.state_format import decode_state, empty_state, encode_state

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
