"""A store for the suite of all stores: a file sealed from its first byte, opened as `sealed-file:PATH`.

The key's derivation is made cheap: the suite starts some hundred processes, and it is not what they test.
"""

from reconciler.backends import sealing
from reconciler.backends.file import open_file
from reconciler.backends.sealed import SealableBackend
from reconciler.model.secret_marks import StateKeys

KEY = "0123456789abcdef0123456789abcdef"

sealing._SCRYPT["n"] = 2


def open_sealed(url, *, root):
    """The file, as a client sees it that seals what is new."""
    store = SealableBackend(open_file(url.removeprefix("sealed-"), root=root), StateKeys(present=KEY))
    store.seal()
    return store
