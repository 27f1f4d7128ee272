"""The keys of a state, and marks of secret values: who has the key learns whether a value is still the same.

A mark is a keyed digest (HMAC-SHA256). Its key is derived slowly from the state key, with the lineage of
the state as salt. It is bound to the attempt that sent the value: equal values of two exams look unlike.
"""

import enum
import hashlib
import hmac
from collections.abc import Mapping
from typing import Annotated, Final, TypeAlias

from msgspec import Meta

from reconciler.model.identities import Address, AttemptId
from reconciler.model.secrets import Unprintable
from reconciler.model.stored import Stored

STATE_KEY_VARIABLE: Final = "RECONCILER_STATE_KEY"
OLD_STATE_KEY_VARIABLE: Final = "RECONCILER_STATE_KEY_OLD"
SHORTEST_KEY: Final = 32
"""In characters: what `openssl rand -hex 16` prints."""

_SCRYPT: Final = {"n": 2**14, "r": 8, "p": 1}  # about 50 ms, once a run: a guessed key must be dear to try
_KEY_ID_CHARACTERS: Final = 8


class StateKeys(Unprintable, frozen=True, kw_only=True):
    """What an encrypted state is read with; only `present` writes. None where no key was given."""

    present: str | None = None
    previous: str | None = None


class SecretMarks(Stored, frozen=True, kw_only=True):
    """The marks of one create's secrets, by their path in the payload, such as `configuration.password`.

    `key_id` tells one state key from another and nothing else; `attempt` is the try that sent the values, and
    stays that of the create when the entry moves.
    """

    key_id: Annotated[str, Meta(pattern=r"^[a-f0-9]{8}\Z")]
    attempt: AttemptId
    digests: Mapping[str, Annotated[str, Meta(pattern=r"^hmac-sha256:[a-f0-9]{64}\Z")]]


class Sighting(enum.Enum):
    """What is known of a secret's value, compared with what was sent."""

    SAME = "same"
    DIFFERS = "differs"
    UNAVAILABLE = "the value is not available to this run"
    UNTRACKED = "no mark was kept when it was sent"
    OTHER_KEY = "the mark was made with another key"


Sightings: TypeAlias = Mapping[Address, Mapping[str, Sighting]]
"""By address and path; of exams that state holds and that have secrets."""


class MarkingKey(Unprintable, frozen=True):
    """Makes and compares marks for the state of one lineage."""

    _key: bytes

    @classmethod
    def derive(cls, state_key: str, lineage: str) -> "MarkingKey":
        """The marking key of `state_key` for the state of `lineage`."""
        secret = state_key.encode("utf-8", "surrogateescape")
        return cls(hashlib.scrypt(secret, salt=lineage.encode(), dklen=32, **_SCRYPT))

    @property
    def key_id(self) -> str:
        """Eight hexadecimal digits that another key would hardly have."""
        return self._hmac("key id")[:_KEY_ID_CHARACTERS]

    def mark(self, attempt: AttemptId, values: Mapping[str, str]) -> SecretMarks:
        """The marks of `values`, by their path, as `attempt` sends them."""
        digests = {path: self._digest(attempt, path, value) for path, value in values.items()}
        return SecretMarks(key_id=self.key_id, attempt=attempt, digests=digests)

    def has_made(self, marks: SecretMarks) -> bool:
        """Whether `marks` were made with this key."""
        return hmac.compare_digest(marks.key_id, self.key_id)

    def is_mark_of(self, marks: SecretMarks, path: str, value: str) -> bool:
        """Whether `value` is what was sent at `path`, which `marks` have."""
        return hmac.compare_digest(marks.digests[path], self._digest(marks.attempt, path, value))

    def _digest(self, attempt: AttemptId, path: str, value: str) -> str:
        return f"hmac-sha256:{self._hmac('value', attempt, path, value)}"

    def _hmac(self, *parts: str) -> str:
        # Parts are parted by a byte that no UTF-8 text has, so that no two lists of them read the same.
        message = b"\xff".join(part.encode("utf-8") for part in parts)
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()
