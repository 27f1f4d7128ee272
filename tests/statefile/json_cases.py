"""Values that JSON can hold, texts that it hardly can, and what a reader makes of them."""

import re

from hypothesis import strategies as st

from reconciler.statefile.fields import MalformedError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
ODD_TEXTS = (
    b'{"a": 1,\n "a": 1}',
    b"[NaN]",
    b"[Infinity]",
    b"[-0]",
    b"[-0.0]",
    b"[1e400]",
    b"[1E5]",
    b"[1e-7]",
    b"[1e-07]",
    b"[1.0]",
    b"[18446744073709551616]",
    b"[1" + b"0" * 5000 + b"]",
    b'["\\ud800"]',
    b'["\\u0041"]',
    b'["\x7f"]',
    b'["\x1f"]',
    b'["a\\/b"]',
    b"\xef\xbb\xbf{}",
    b'["\xff"]',
    b'["\xed\xa0\x80"]',
    b"[1,]",
    b"{} x",
    b"",
    b"nul",
    b"[" * 1010 + b"]" * 1010,
    b"[" * 960 + b"]" * 960,
    b"[" * 100_000,
    b'{"":{"":[]}}',
    b"[01]",
    b"[.5]",
    b"[+1]",
)


def whole(value):
    """`value` with U+FFFD in the place of each half of a character."""
    match value:
        case str():
            return re.sub("[\ud800-\udfff]", "\ufffd", value)
        case list():
            return [whole(one) for one in value]
        case dict():
            return {whole(key): whole(one) for key, one in value.items()}
    return value


def answer(read, data: bytes) -> str:
    """What `read` makes of `data`, types and all, or how it complains."""
    try:
        return repr(read(data))
    except MalformedError as error:
        return f"refused: {error}"
