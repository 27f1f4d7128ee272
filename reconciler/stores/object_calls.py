"""One bucket: conditional puts, gets, listings and removals. Each call has a timeout.

A conditional put whose answer is lost may have been done. The driver tries again by itself, and a later try
is then refused because an earlier one was done. So after a refusal or a lost answer we read the object: if it
has our bytes, the put was done. Objects for which this matters have a unique token in them.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final, NewType, TypeVar

import obstore
from msgspec import Struct
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

from reconciler.fault_points import Step, reach
from reconciler.model.errors import StateUnavailable
from reconciler.stores.object_errors import failure, no_store, outcome_unknown, says_absent

if TYPE_CHECKING:
    from obstore import GetResult, PutMode
    from obstore.store import ObjectStore

_Answer = TypeVar("_Answer")

Tag = NewType("Tag", str)
"""Version of an object: its e-tag, or its generation in stores that have generations."""

_PAGE: Final = 1000


class StoredObject(Struct, frozen=True, kw_only=True):
    """Content and version of an object."""

    data: bytes
    tag: Tag


class Listed(Struct, frozen=True, kw_only=True):
    """An object in a listing. `changed_at` is by the store's clock."""

    key: str
    size_bytes: int
    changed_at: datetime


class ConditionFailed(Exception):
    """A put was refused: the object is not the one to replace. `found` is what was read after that."""

    def __init__(self, found: StoredObject | None) -> None:
        super().__init__()
        self.found = found


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

    def put(self, key: str, data: bytes, *, replacing: Tag | None) -> Tag:
        """Durably write `data` if the object's present version is `replacing` (None: if there is no object).

        Raise ConditionFailed if it is another, and OutcomeUnknown if the result cannot be found out.
        """
        mode = self._mode(replacing)
        if mode is None:
            raise ConditionFailed(self.get(key))
        try:
            put = self._ask(
                "write", lambda: obstore.put(self._store, key, data, mode=mode, use_multipart=False)
            )
        except (AlreadyExistsError, PreconditionError):
            found = self.get(key)
            if found is None or found.data != data:
                raise ConditionFailed(found) from None
            return found.tag
        except FileNotFoundError as error:
            raise failure(self.location, "write", error) from None
        except StateUnavailable as error:
            return self._looked_up(key, data, error)
        tag = self._tag_of(put["e_tag"], put["version"])
        if tag is None:
            raise outcome_unknown(no_store(self.location, "write"))
        return tag

    def _looked_up(self, key: str, data: bytes, error: StateUnavailable) -> Tag:
        """Return the version that a put with a lost answer wrote. Raise OutcomeUnknown if it is not there."""
        with suppress(StateUnavailable):
            found = self.get(key)
            if found is not None and found.data == data:
                return found.tag
        raise outcome_unknown(error) from None

    def listing(self, folder: str) -> Sequence[Listed]:
        """Return the objects below `folder`.

        It may be empty by mistake (a proxy's page): check with `get`.
        """
        return self._ask("list the journal of", lambda: self._listed(folder))

    def remove(self, keys: Sequence[str]) -> None:
        """Remove the objects unconditionally. After an error some may be left."""
        with suppress(FileNotFoundError):
            self._ask("tidy up beside", lambda: obstore.delete(self._store, keys))

    def _tag_of(self, e_tag: str | None, version: str | None) -> Tag | None:
        """Return the version; None if the answer has none."""
        found = version if self._has_generations else e_tag
        return None if found is None else Tag(found)

    def _mode(self, replacing: Tag | None) -> "PutMode | None":
        """Return the driver's mode to replace exactly `replacing`; None if that cannot be a version."""
        if replacing is None:
            return "create"
        if not self._has_generations:
            return {"e_tag": replacing}
        # A generation is a number.
        return {"e_tag": replacing, "version": replacing} if replacing.isdecimal() else None

    def _found(self, answer: "GetResult") -> StoredObject:
        meta = answer.meta
        tag = self._tag_of(meta["e_tag"], meta["version"])
        if tag is None or str(answer.attributes.get("Content-Type", "")).startswith("text/html"):
            raise no_store(self.location, "read")
        return StoredObject(data=bytes(answer.bytes()), tag=tag)

    def _listed(self, folder: str) -> Sequence[Listed]:
        pages = obstore.list(self._store, folder, chunk_size=_PAGE)
        return [
            Listed(key=meta["path"], size_bytes=meta["size"], changed_at=meta["last_modified"])
            for page in pages
            for meta in page
        ]

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
