"""Seals: what makes bytes unreadable, and a change of them noticed, without the state key.

AES-256-GCM with a fresh nonce for each piece. Its key is derived from the state key by scrypt with a salt of
the state's own, under another label than the key of the marks of secrets. What a piece is (a snapshot, a
backup, the n-th frame of one journal behind exactly the frames before it) is bound to it, so that pieces
cannot change places.
"""

import hashlib
import hmac
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.model.errors import StateDamaged, StateSealed, UsageError
from reconciler.model.secret_marks import OLD_STATE_KEY_VARIABLE, SHORTEST_KEY, STATE_KEY_VARIABLE, StateKeys
from reconciler.model.secrets import Unprintable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CIPHER: Final = "AES-256-GCM"
DERIVATION: Final = "scrypt"
SALT_BYTES: Final = 16
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16

_SCRYPT: Final = {"n": 2**15, "r": 8, "p": 1, "maxmem": 64 * 1024**2}  # about 100 ms, once a process
_LABEL: Final = b"reconciler sealed state 1"
_KEY_ID_CHARACTERS: Final = 8


class Seal(Unprintable, frozen=True):
    """One derived key, with the salt that it was derived with."""

    salt: bytes
    _key: bytes

    @property
    def key_id(self) -> str:
        """Eight hexadecimal digits that another key would hardly have."""
        return hmac.digest(self._key, b"key id", "sha256").hex()[:_KEY_ID_CHARACTERS]

    def close(self, data: bytes, *, bound_to: bytes) -> bytes:
        """`data` sealed: nonce, ciphertext and tag. It opens only as what it is `bound_to`."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + _cipher(self._key).encrypt(nonce, data, _LABEL + b"\0" + bound_to)

    def open(self, sealed: bytes, *, bound_to: bytes) -> bytes | None:
        """What was sealed; None where it was changed, or sealed as something else."""
        cipher = _cipher(self._key)  # says it where the library is missing
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - needed for encrypted states only

        if len(sealed) < NONCE_BYTES + TAG_BYTES:
            return None
        nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, rest, _LABEL + b"\0" + bound_to)
        except InvalidTag:
            return None


def _cipher(key: bytes) -> "AESGCM":
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - as above
    except ImportError as error:
        raise UsageError(
            "an encrypted state needs the package cryptography, which is not installed",
            hint="Install it: pip install 'reconciler[encryption]'.",
        ) from error
    return AESGCM(key)


@lru_cache(maxsize=16)
def _derive(secret: str, salt: bytes) -> Seal:
    stretched = hashlib.scrypt(
        secret.encode("utf-8", "surrogateescape"), salt=_LABEL + b"\0" + salt, dklen=32, **_SCRYPT
    )
    return Seal(salt, hmac.digest(stretched, b"encryption", "sha256"))


class KeyRing(Struct, frozen=True, kw_only=True):
    """The keys for the state at `location`."""

    keys: StateKeys
    location: str

    def for_writing(self, salt: bytes | None) -> Seal:
        """The present key's seal, with `salt` or (None) a fresh one. Raises StateSealed without a key."""
        if self.keys.present is None:
            raise StateSealed(
                f"to write {self.location} encrypted, {STATE_KEY_VARIABLE} is needed, and it is not set",
                hint=f"Nothing was changed. Set {STATE_KEY_VARIABLE}, to at least {SHORTEST_KEY} characters.",
                location=self.location,
            )
        return _derive(_long_enough(self.keys.present, STATE_KEY_VARIABLE), salt or os.urandom(SALT_BYTES))

    def for_reading(self, salt: bytes, key_id: str) -> Seal:
        """The seal that made what is to be read. Raises StateSealed where no key is the one that did."""
        given = ((STATE_KEY_VARIABLE, self.keys.present), (OLD_STATE_KEY_VARIABLE, self.keys.previous))
        for variable, key in given:
            if key is not None:
                seal = _derive(_long_enough(key, variable), salt)
                if hmac.compare_digest(seal.key_id, key_id):
                    return seal
        tried = " and ".join(variable for variable, key in given if key is not None)
        raise StateSealed(
            f"{self.location} is encrypted, and "
            + (f"not with what is in {tried}" if tried else f"{STATE_KEY_VARIABLE} is not set"),
            hint=f"Nothing was changed. Set {STATE_KEY_VARIABLE} to the key that it was encrypted with, or, "
            f"while keys are being changed, {OLD_STATE_KEY_VARIABLE}.",
            location=self.location,
        )

    def damaged(self, what: str) -> StateDamaged:
        """What is read is not what was sealed."""
        return StateDamaged(
            f"{self.location} is encrypted, and {what}",
            hint="Nothing was changed. It was damaged, or somebody without the key changed it. Restore state "
            "and journal from one moment; do not run `init` instead.",
            location=self.location,
        )


def _long_enough(key: str, variable: str) -> str:
    if len(key) < SHORTEST_KEY:
        raise UsageError(
            f"{variable} is too short: it needs at least {SHORTEST_KEY} characters",
            hint="Draw one with `openssl rand -hex 32`, and keep it with your secrets.",
        )
    return key
