"""A store for the suite of all stores: a file encrypted from its first byte, opened as `encrypted-file:PATH`.

The key's derivation is made cheap: the suite starts some hundred processes, and it is not what they test.
"""

from reconciler.backends import encryption
from reconciler.backends.encrypting_store import EncryptingStore
from reconciler.backends.file import open_file
from reconciler.model.secret_fingerprints import StateKeys

KEY = "0123456789abcdef0123456789abcdef"

encryption._SCRYPT["n"] = 2


def open_encrypted(url, *, root):
    """The file, as a client sees it that encrypts what is new."""
    store = EncryptingStore(open_file(url.removeprefix("encrypted-"), root=root), StateKeys(present=KEY))
    store.encrypt_next_write()
    return store
