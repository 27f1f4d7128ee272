"""One bucket: conditional puts, gets, listings and removals. Each call is one request, with a timeout.

The driver must not try a put again by itself: its second try would be refused because of its first.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final, NewType, TypeVar

import obstore
from msgspec import Struct
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

from reconciler.fault_points import Step, reach
from reconciler.stores.bucket_errors import failure, no_store, says_absent

if TYPE_CHECKING:
    from obstore import GetResult, PutMode
    from obstore.store import ObjectStore

_Answer = TypeVar("_Answer")

Tag = NewType("Tag", str)
"""Version of an object: its e-tag, or its generation in stores that have generations."""

_PAGE: Final = 1000
_READERS: Final = 16


class StoredObject(Struct, frozen=True, kw_only=True):
    """Content and version of an object."""

    data: bytes
    tag: Tag


class Listed(Struct, frozen=True, kw_only=True):
    """An object in a listing. `changed_at` is by the store's clock."""

    key: str
    size_bytes: int
    changed_at: datetime


class PutRefused(Exception):
    """A put was refused: the object is not the one to replace. A lost copy of the put may have been done."""


class Bucket:
    """The objects of a bucket. `location` is the state's URL, for errors.

    With `has_generations` the version of an object is its generation, a number that is never used again
    (Google Cloud Storage); otherwise its e-tag (S3, Azure).
    """

    def __init__(self, store: "ObjectStore", *, has_generations: bool, location: str) -> None:
        self._store = store
        self._has_generations = has_generations
        self.location = location

    def get(self, key: str) -> StoredObject | None:
        """Return the object; None if the store answers that it does not exist."""
        try:
            return self._ask("read", lambda: self._found(obstore.get(self._store, key)))
        except FileNotFoundError as error:
            if says_absent(error):
                return None
            raise failure(self.location, "read", error) from None

    def get_all(self, keys: Sequence[str]) -> Sequence[StoredObject | None]:
        """Return what `get` does for each of `keys`; several at a time."""
        with ThreadPoolExecutor(_READERS, thread_name_prefix="objects") as pool:
            return list(pool.map(self.get, keys))

    def put(self, key: str, data: bytes, *, replacing: Tag | None) -> Tag:
        """Durably write `data` if the object's present version is `replacing` (None: if there is no object).

        Raise PutRefused if it is another, and OutcomeUnknown if the put was perhaps done.
        """
        mode = self._mode(replacing)
        try:
            put = self._ask(
                "write", lambda: obstore.put(self._store, key, data, mode=mode, use_multipart=False)
            )
        except (AlreadyExistsError, PreconditionError):
            raise PutRefused from None
        except FileNotFoundError as error:
            raise failure(self.location, "write", error) from None
        tag = self._tag_of(put["e_tag"], put["version"])
        if tag is None:
            raise no_store(self.location, "write")
        return tag

    def listing(self, folder: str) -> Sequence[Listed]:
        """Return the objects below `folder`, sorted by key.

        It may be empty by mistake (a proxy's page): check with `get`.
        """
        return self._ask("list the log of", lambda: self._listed(folder))

    def remove(self, keys: Sequence[str]) -> None:
        """Remove the objects unconditionally. After an error some may be left."""
        with suppress(FileNotFoundError):
            self._ask("tidy up beside", lambda: obstore.delete(self._store, keys))

    def _tag_of(self, e_tag: str | None, version: str | None) -> Tag | None:
        """Return the version; None if the answer has none."""
        found = version if self._has_generations else e_tag
        return None if found is None else Tag(found)

    def _mode(self, replacing: Tag | None) -> "PutMode":
        """Return the driver's mode to replace exactly `replacing`."""
        if replacing is None:
            return "create"
        return {"e_tag": replacing, "version": replacing} if self._has_generations else {"e_tag": replacing}

    def _found(self, answer: "GetResult") -> StoredObject:
        meta = answer.meta
        tag = self._tag_of(meta["e_tag"], meta["version"])
        if tag is None or str(answer.attributes.get("Content-Type", "")).startswith("text/html"):
            raise no_store(self.location, "read")
        return StoredObject(data=bytes(answer.bytes()), tag=tag)

    def _listed(self, folder: str) -> Sequence[Listed]:
        pages = obstore.list(self._store, folder, chunk_size=_PAGE)
        found = [
            Listed(key=meta["path"], size_bytes=meta["size"], changed_at=meta["last_modified"])
            for page in pages
            for meta in page
        ]
        return sorted(found, key=lambda listed: listed.key)

    def _ask(self, doing: str, call: Callable[[], _Answer]) -> _Answer:
        try:
            reach(Step.STORE_CALL)
            try:
                return call()
            finally:
                reach(Step.STORE_CALLED)
        except (FileNotFoundError, AlreadyExistsError, PreconditionError):
            raise
        except (BaseError, OSError, ValueError) as error:
            raise failure(self.location, doing, error) from None
