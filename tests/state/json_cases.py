"""Values that JSON can hold, and what a reader makes of them."""

import re

from hypothesis import strategies as st

from reconciler.state.strict_json import MalformedError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
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
