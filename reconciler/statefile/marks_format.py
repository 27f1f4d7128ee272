"""The format of secrets' marks, in entries and intents."""

import re
from collections.abc import Mapping
from typing import Any, Final

from reconciler.model.identities import AttemptId, is_attempt_id
from reconciler.model.secret_marks import SecretMarks
from reconciler.statefile import fields
from reconciler.statefile.fields import MalformedError

_KEYS: Final = frozenset({"keyId", "attempt", "digests"})
_KEY_ID: Final = re.compile(r"[a-f0-9]{8}")
_DIGEST: Final = re.compile(r"hmac-sha256:[a-f0-9]{64}")


def encode_marks(marks: SecretMarks) -> dict[str, Any]:
    """Marks as an object."""
    return {"keyId": marks.key_id, "attempt": marks.attempt, "digests": dict(marks.digests)}


def decode_marks(holder: Mapping[str, object], place: str) -> SecretMarks | None:
    """The marks at `secrets` of `holder`; None where it has none. Raises MalformedError."""
    if "secrets" not in holder:
        return None
    here = f"{place}.secrets"
    found = fields.mapping(holder["secrets"], here)
    fields.only_keys(found, _KEYS, here)
    digests = fields.mapping(found.get("digests"), f"{here}.digests")
    for path, digest in digests.items():
        if not isinstance(digest, str) or _DIGEST.fullmatch(digest) is None:
            raise MalformedError(f"{here}.digests.{path} has the wrong pattern")
    return SecretMarks(
        key_id=fields.identity(found, "keyId", here, accept=_is_key_id, make=str),
        attempt=fields.identity(found, "attempt", here, accept=is_attempt_id, make=AttemptId),
        digests=digests,
    )


def _is_key_id(text: str) -> bool:
    return _KEY_ID.fullmatch(text) is not None
