"""Manifests read anew, or the answer remembered where reading them anew would give the very same.

An answer stands for its question: every byte of the manifests, the environment, the weights of the rules, and
the build of this product and of what it reads with. It holds for as long as the files that manifests extend
are the same, and until the clock changes what a rule has to say. Where plug-ins have a say, or the origins of
values are asked for, everything is read anew, and what holds an error or a written-out password is not kept.
May import: `cache`, `manifest`, `model`, `schemas`.
"""

import os
import sys
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler import __version__, manifest, schemas
from reconciler.model.declarations import Loaded
from reconciler.model.diagnostics import has_errors
from reconciler.model.environment import Environment
from reconciler.model.origins import Tracing

if TYPE_CHECKING:
    from reconciler.cache import Answers, Question

WORTH_KEEPING: Final = 128 * 1024
"""Bytes of manifests that take longer to read anew than an answer takes to keep."""

_OWN_CODE: Final = ("manifest", "manifest/rules", "model", "cache", "schemas", ".")
_READS_WITH: Final = ("yaml", "yaml._yaml", "tzdata", "orjson", "jsonschema_rs", "jsonschema")
_SCHEMAS: Final = ("manifest", "create-exam")


def declare(gathered: manifest.Gathered, reading: manifest.Reading, *, subject: str) -> Loaded:
    """What `manifest.declare` gives. Of all that is remembered about one `subject` the last is kept."""
    now = reading.ruling.now
    if now is None or not _may_be_kept(gathered, reading):
        return manifest.declare(gathered, reading)[0]
    from reconciler.cache import Answers, Question, Remembered  # noqa: PLC0415 - small workspaces do without

    answers = Answers(gathered.root)
    question = Question.of([subject.encode()], _parts(gathered, reading))
    packed = answers.get(question)
    if packed is not None:
        remembered = Remembered.unpacked(packed)
        if remembered.holds_at(now) and all(
            manifest.Read(*file).is_unchanged for file in remembered.stands_on
        ):
            return remembered.loaded
    loaded, stands_on = manifest.declare(gathered, reading)
    if not has_errors(loaded.diagnostics):
        _keep(answers, question, loaded, now, stands_on)
    return loaded


def _may_be_kept(gathered: manifest.Gathered, reading: manifest.Reading) -> bool:
    return (
        reading.tracing is Tracing.OFF
        and reading.ruling.catalogue.is_built_in
        and not gathered.diagnostics
        and sum(len(text.data) for text in gathered.texts) >= WORTH_KEEPING
    )


def _keep(
    answers: "Answers",
    question: "Question",
    loaded: Loaded,
    now: datetime,
    stands_on: tuple[manifest.Read, ...],
) -> None:
    """Remember `loaded`, unless it holds for this one moment only, or holds the value of a secret."""
    from reconciler.cache import HoldsSecret, Remembered  # noqa: PLC0415 - as above

    points = manifest.turning_points(loaded.declared.exams)
    if now in points:
        return
    remembered = Remembered(
        loaded=loaded,
        since=max((point for point in points if point < now), default=None),
        until=min((point for point in points if point > now), default=None),
        stands_on=tuple((file.path, file.real_path, file.digest) for file in stands_on),
    )
    try:
        packed = remembered.packed()
    except HoldsSecret:
        return
    answers.put(question, packed)


def _parts(gathered: manifest.Gathered, reading: manifest.Reading) -> Iterator[bytes]:
    """All that an answer depends on, apart from the moment and from files that are extended."""
    yield _build()
    yield os.path.abspath(gathered.root).encode(errors="surrogateescape")  # noqa: PTH100 - links keep their names
    yield _of_environment(reading.environment)
    weights = reading.ruling.weights
    yield repr(sorted((code, weights[code] and str(weights[code])) for code in weights)).encode()
    yield repr(reading.ruling.is_partial).encode()
    for text in gathered.texts:
        yield text.name.encode(errors="surrogateescape")
        yield text.data


def _of_environment(said: Environment) -> bytes:
    plain = (
        said.name,
        said.install_sid,
        said.timezone,
        sorted(said.courses.items()),
        sorted(said.users.items()),
    )
    return repr(plain).encode(errors="surrogateescape")


@cache
def _build() -> bytes:
    """What tells this build, and what it reads with, from every other; a change of a file is enough."""
    own = Path(__file__).parent
    stamps = [
        (entry.name, entry.stat().st_mtime_ns, entry.stat().st_size)
        for folder in _OWN_CODE
        for entry in os.scandir(own / folder)
        if entry.is_file()
    ]
    libraries = [_stamp(name) for name in _READS_WITH]
    texts = [schemas.text_of(name) for name in _SCHEMAS]
    return repr((__version__, sys.version, sorted(stamps), libraries, texts)).encode()


def _stamp(library: str) -> tuple[str, int, int] | None:
    """The file that `library` would be loaded from, and when it was written; None where there is none."""
    found = find_spec(library)
    if found is None or found.origin is None:
        return None
    status = Path(found.origin).stat()
    return found.origin, status.st_mtime_ns, status.st_size
