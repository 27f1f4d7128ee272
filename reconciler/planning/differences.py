"""Differences between what was sent and what is declared, field by field."""

import json
import re
from collections.abc import Sequence
from itertools import chain
from typing import Final, TypeAlias

from reconciler.model.declarations import Declaration
from reconciler.model.payloads import Payload
from reconciler.model.plan import ABSENT, FieldDiff
from reconciler.model.state import Entry, Intent

Recorded: TypeAlias = Entry | Intent
"""What state holds at an address."""

_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_BESIDE_THE_PAYLOAD: Final = frozenset({"installSid", "courseSid", "digest"})
"""Paths of differences that are not in the payload."""


def is_same(recorded: Recorded, declaration: Declaration) -> bool:
    """Return whether `declaration` asks for exactly what `recorded` holds."""
    return (
        recorded.digest == declaration.digest
        and recorded.course_sid == declaration.course_sid
        and recorded.install_sid == declaration.install_sid
    )


def diff_of(recorded: Recorded, declaration: Declaration) -> tuple[FieldDiff, ...]:
    """Return every field that differs, ordered by path; empty if and only if `is_same`.

    If the digests differ and no difference of the payloads can be shown, `digest` is listed in their place.
    """
    beside = [
        FieldDiff(path=path, before=before, after=after)
        for path, before, after in (
            ("installSid", recorded.install_sid, declaration.install_sid),
            ("courseSid", recorded.course_sid, declaration.course_sid),
        )
        if before != after
    ]
    within: tuple[FieldDiff, ...] = ()
    if recorded.digest != declaration.digest:
        within = payload_diff(recorded.payload, declaration.payload) or (
            FieldDiff(path="digest", before=recorded.digest, after=declaration.digest),
        )
    return tuple(sorted((*beside, *within), key=lambda field: field.path))


def payload_diff(before: Payload, after: Payload) -> tuple[FieldDiff, ...]:
    """Return the fields that differ between two payloads, ordered by path.

    Lists are compared position by position, so that each path names one place in both. Empty for payloads
    that are nested too deeply to be compared.
    """
    from deepdiff import DeepDiff  # noqa: PLC0415 - costs 130 ms, and most plans have nothing to compare
    from deepdiff.helper import notpresent  # noqa: PLC0415 - as above

    try:
        tree = DeepDiff(
            before,
            after,
            view="tree",
            zip_ordered_iterables=True,  # otherwise 1 and True count as equal inside lists
            ignore_private_variables=False,  # otherwise keys like `__x` are skipped
            threshold_to_diff_deeper=0,  # otherwise mappings with few common keys differ as a whole
        )
    except RecursionError:
        return ()
    fields = [
        FieldDiff(
            path=path_of(level.path(output_format="list")),
            before=ABSENT if level.t1 is notpresent else level.t1,
            after=ABSENT if level.t2 is notpresent else level.t2,
        )
        for level in chain.from_iterable(tree.values())
    ]
    return tuple(sorted(fields, key=lambda field: field.path))


def path_of(keys: Sequence[str | int]) -> str:
    """Return the path of a place as text: `configuration.proctorTypes[1]`, `modalityOptions["a.b"]`.

    A key that is not a plain word is quoted as in JSON. So is a top-level key of the payload that is named
    like a field outside it: `["digest"]`.
    """
    path = ""
    for key in keys:
        if isinstance(key, int):
            path += f"[{key}]"
        elif _PLAIN_KEY.fullmatch(key) and (path or key not in _BESIDE_THE_PAYLOAD):
            path += f".{key}" if path else key
        else:
            path += f"[{json.dumps(key, ensure_ascii=False)}]"
    return path
