"""State keys, and fingerprints of secret values: who has the key learns whether a value is still the same.

A fingerprint is a keyed digest (HMAC-SHA256). Its key is derived slowly from the state key, with the lineage
of the state as salt. It is bound to the attempt that sent the value: equal values of two exams look unlike.
"""

import enum
import hashlib
import hmac
from collections.abc import Mapping
from typing import Annotated, Final, TypeAlias

from msgspec import Meta

from reconciler.model.identities import Address, AttemptId
from reconciler.model.secrets import Unprintable
from reconciler.model.stored_values import StoredValue

STATE_KEY_VARIABLE: Final = "RECONCILER_STATE_KEY"
OLD_STATE_KEY_VARIABLE: Final = "RECONCILER_STATE_KEY_OLD"
SHORTEST_KEY: Final = 32
"""In characters: what `openssl rand -hex 16` prints."""

_SCRYPT: Final = {"n": 2**14, "r": 8, "p": 1}  # about 50 ms, once a run: a guessed key must be dear to try
_KEY_ID_CHARACTERS: Final = 8


class StateKeys(Unprintable, frozen=True, kw_only=True):
    """The keys that read an encrypted state; `present` also encrypts. None: that key was not given."""

    present: str | None = None
    previous: str | None = None


class SecretFingerprints(StoredValue, frozen=True, kw_only=True):
    """The fingerprints of one create's secrets, by path in the payload, such as `configuration.password`.

    `key_id` identifies the state key. `attempt` is the try that sent the values; it stays the same when the
    entry moves.
    """

    key_id: Annotated[str, Meta(pattern=r"^[a-f0-9]{8}\Z")]
    attempt: AttemptId
    digests: Mapping[str, Annotated[str, Meta(pattern=r"^hmac-sha256:[a-f0-9]{64}\Z")]]


class SecretComparison(enum.Enum):
    """The present value of a secret, compared with the one that was sent."""

    SAME = "same"
    DIFFERS = "differs"
    UNAVAILABLE = "the value is not available to this run"
    UNTRACKED = "no fingerprint was kept when it was sent"
    OTHER_KEY = "the fingerprint was made with another key"


SecretComparisons: TypeAlias = Mapping[Address, Mapping[str, SecretComparison]]
"""By address and path, for the exams in state that have secrets."""


class FingerprintKey(Unprintable, frozen=True):
    """Makes and compares fingerprints for the state of one lineage."""

    _key: bytes

    @classmethod
    def derive(cls, state_key: str, lineage: str) -> "FingerprintKey":
        """Return the key that `state_key` gives for the state of `lineage`."""
        secret = state_key.encode("utf-8", "surrogateescape")
        return cls(hashlib.scrypt(secret, salt=lineage.encode(), dklen=32, **_SCRYPT))

    @property
    def key_id(self) -> str:
        """Eight hexadecimal digits that identify this key."""
        return self._hmac("key id")[:_KEY_ID_CHARACTERS]

    def fingerprints_of(self, attempt: AttemptId, values: Mapping[str, str]) -> SecretFingerprints:
        """Return the fingerprints of `values`, which `attempt` sends, by path."""
        digests = {path: self._digest(attempt, path, value) for path, value in values.items()}
        return SecretFingerprints(key_id=self.key_id, attempt=attempt, digests=digests)

    def made(self, fingerprints: SecretFingerprints) -> bool:
        """Return whether `fingerprints` were made with this key."""
        return hmac.compare_digest(fingerprints.key_id, self.key_id)

    def matches(self, fingerprints: SecretFingerprints, path: str, value: str) -> bool:
        """Return whether `value` was sent at `path`, which must be in `fingerprints`."""
        return hmac.compare_digest(
            fingerprints.digests[path], self._digest(fingerprints.attempt, path, value)
        )

    def _digest(self, attempt: AttemptId, path: str, value: str) -> str:
        return f"hmac-sha256:{self._hmac('value', attempt, path, value)}"

    def _hmac(self, *parts: str) -> str:
        # UTF-8 text never has the byte between the parts, so no two lists of parts give the same message.
        message = b"\xff".join(part.encode("utf-8") for part in parts)
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()
