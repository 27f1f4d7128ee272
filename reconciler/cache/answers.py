"""Answers by their questions, each in a file of its own, authenticated before anything looks into it."""

import hashlib
import hmac
import marshal
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from reconciler.cache.folder import Folder, opened
from reconciler.cache.sealed_key import SUFFIX, key_in, new_key_in
from reconciler.values import dataclass

MOST_BYTES: Final = 512 * 1024 * 1024
"""All answers together; those that were not used for the longest time go first."""
MOST_ANSWERS: Final = 16

_MAC: Final = hashlib.sha256
_MAC_BYTES: Final = 32
_SLOT_DIGITS: Final = 24
_MOST_PARTS: Final = 4


@dataclass(frozen=True, slots=True)
class Question:
    """What an answer depends on. Of all questions that share a `subject` the last one's answer is kept."""

    subject: bytes
    digest: bytes

    @classmethod
    def of(cls, subject: Iterable[bytes], more: Iterable[bytes]) -> "Question":
        """The question about `subject` that depends on `more` too."""
        about = _digest(subject)
        return cls(about, _digest((about, *more)))

    @property
    def file(self) -> str:
        """The name of the file with the answer."""
        return f"{self.subject.hex()[:_SLOT_DIGITS]}{SUFFIX}"


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers kept in the workspace at `root`."""

    root: Path

    def get(self, question: Question) -> Any | None:
        """What was put for `question`, in tuples, lists, dicts and plain values; None where nothing was."""
        with opened(self.root, may_make=False) as folder:
            key = None if folder is None else key_in(folder)
            if folder is None or key is None:
                return None
            data = folder.read(question.file, MOST_BYTES)
            if data is None or len(data) < _MAC_BYTES:
                return None
            body = memoryview(data)[_MAC_BYTES:]
            if not hmac.compare_digest(_mac(key, question, body), data[:_MAC_BYTES]):
                return None
            folder.touch(question.file)
        return marshal.loads(body)  # noqa: S302 - this machine's own, which the digest has shown

    def put(self, question: Question, answer: Any) -> None:
        """Keep `answer`, if that can be done."""
        body = marshal.dumps(answer)
        with opened(self.root, may_make=True) as folder:
            if folder is None or len(body) + _MAC_BYTES > MOST_BYTES:
                return
            key = key_in(folder) or new_key_in(folder)
            if key is None:
                return
            try:
                folder.write(question.file, _mac(key, question, body) + body)
            except OSError:
                return  # no space, perhaps; then there is no answer next time
            _tidy(folder)


def _mac(key: bytes, question: Question, body: "bytes | memoryview") -> bytes:
    """What only who knows `key` can tell of `body` as the answer to `question`."""
    made = hmac.new(key, question.digest, _MAC)
    made.update(body)
    return made.digest()


def _digest(parts: Iterable[bytes]) -> bytes:
    """One digest of all `parts`, each of them with its length, so that none runs into the next."""
    made = hashlib.sha256()
    for part in parts:
        made.update(b"%d:" % len(part))
        made.update(part)
    return made.digest()


def _tidy(folder: Folder) -> None:
    """Remove what is beyond the bounds, and most of what stopped runs have left half-written."""
    total = 0
    for index, (name, status) in enumerate(folder.by_use(SUFFIX)):
        total += status.st_size
        if index >= MOST_ANSWERS or total > MOST_BYTES:
            folder.remove(name)
    for name, _ in folder.leftovers()[_MOST_PARTS:]:  # the latest may be those of runs that go on
        folder.remove(name)
