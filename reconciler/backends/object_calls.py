"""One bucket: conditional puts, gets, listings and removals, each a call that ends within a bounded time.

A conditional put whose answer is lost is not a failed one. The driver tries again by itself, so its last
try may be refused because an earlier one was done; whoever is refused, or left without an answer, reads the
object, and finds its own bytes there if it was done. Objects for which that matters hold something unique.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final, NewType, TypeVar

import obstore
from msgspec import Struct
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

from reconciler.backends.object_errors import failure, no_store, outcome_unknown, says_absent
from reconciler.fault_points import Step, reach
from reconciler.model.errors import StateUnavailable

if TYPE_CHECKING:
    from obstore import GetResult, PutMode
    from obstore.store import ObjectStore

_Answer = TypeVar("_Answer")

Tag = NewType("Tag", str)
"""Names the exact content of an object: its e-tag, or its generation where the store has those."""

_PAGE: Final = 1000


class StoredObject(Struct, frozen=True, kw_only=True):
    """An object's bytes, and what to name when replacing exactly these."""

    data: bytes
    tag: Tag


class Listed(Struct, frozen=True, kw_only=True):
    """An object as a listing shows it; `changed_at` is by the store's clock."""

    key: str
    size_bytes: int
    changed_at: datetime


class ConditionFailed(Exception):
    """The object is not the one that a put was to replace; `found` is what it was after that."""

    def __init__(self, found: StoredObject | None) -> None:
        super().__init__()
        self.found = found


class Bucket:
    """A bucket's objects. `location` is the state's, for complaints.

    With `has_generations`, an object's content is named by its generation, a number that never comes again
    (Google Cloud Storage); otherwise by its e-tag (S3, Azure).
    """

    def __init__(self, store: "ObjectStore", *, has_generations: bool, location: str) -> None:
        self._store = store
        self._has_generations = has_generations
        self.location = location

    def get(self, key: str) -> StoredObject | None:
        """The object, or None where the store says that there is none."""
        try:
            return self._ask("read", lambda: self._found(obstore.get(self._store, key)))
        except FileNotFoundError as error:
            if says_absent(error):
                return None
            raise failure(self.location, "read", error) from None

    def put(self, key: str, data: bytes, *, replacing: Tag | None) -> Tag:
        """Durably make `data` the object if the present one is `replacing` (None: if there is none).

        Raises ConditionFailed if it is not, and OutcomeUnknown where that cannot be known.
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
        """The tag of what a put with a lost answer did. Raises OutcomeUnknown if it is not to be seen."""
        with suppress(StateUnavailable):
            found = self.get(key)
            if found is not None and found.data == data:
                return found.tag
        raise outcome_unknown(error) from None

    def listing(self, folder: str) -> Sequence[Listed]:
        """What is below `folder`. A page that is no listing may read as an empty one: prove the end."""
        return self._ask("list the journal of", lambda: self._listed(folder))

    def remove(self, keys: Sequence[str]) -> None:
        """Remove the objects, whatever is in them; some may be left where that fails."""
        with suppress(FileNotFoundError):
            self._ask("tidy up beside", lambda: obstore.delete(self._store, keys))

    def _tag_of(self, e_tag: str | None, version: str | None) -> Tag | None:
        """The tag; None where the answer lacks it."""
        found = version if self._has_generations else e_tag
        return None if found is None else Tag(found)

    def _mode(self, replacing: Tag | None) -> "PutMode | None":
        """What makes the driver replace exactly `replacing`; None where that can be nothing."""
        if replacing is None:
            return "create"
        if not self._has_generations:
            return {"e_tag": replacing}
        # The store takes nothing but a number.
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
