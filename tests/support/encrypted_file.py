"""A store for the conformance suite: an encrypted file, opened as `encrypted-file:PATH`.

Key derivation is made cheap here, because the suite starts some hundred processes and does not test it.
"""

from reconciler.model.secret_fingerprints import StateKeys
from reconciler.stores import encryption
from reconciler.stores.encrypting_store import EncryptingStore
from reconciler.stores.file import open_file

KEY = "0123456789abcdef0123456789abcdef"

encryption._SCRYPT["n"] = 2


def open_encrypted(url, *, root):
    """Return the store of the file at `url`, which encrypts even a new state."""
    store = EncryptingStore(open_file(url.removeprefix("encrypted-"), root=root), StateKeys(present=KEY))
    store.encrypt_next_write()
    return store
