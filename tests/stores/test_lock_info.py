"""What others wrote about a lock: read where it is ours, tamed, and never the reason of a traceback."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ports import LockInfo
from reconciler.stores.http_server import new_claim, read_current_claim
from reconciler.stores.locks import decode_lock_info, encode_lock_info

OURS = {
    "lockId": "a1",
    "who": "ada",
    "host": "lab",
    "pid": 1,
    "since": "2031-01-01T00:00:00Z",
    "command": "apply",
}
INFO = LockInfo(
    lock_id="a1", who="ada", host="lab", pid=1, since=datetime(2031, 1, 1, tzinfo=UTC), command="apply"
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*OURS, "x"]), inner),
    max_leaves=8,
)


def test_decode_after_encode_is_identity():
    """What one run writes is what another reads."""
    assert decode_lock_info(encode_lock_info(INFO)) == INFO


@pytest.mark.parametrize("key", ["lockId", "who", "host", "command"])
@pytest.mark.parametrize("text", ["Ren\udce9", "cut\ud83d", "\x1b[2J", "a\nb", "\u202e", "l" * 5_000])
def test_texts_are_tamed(key, text):
    """Of whoever holds it, and of what runs there."""
    found = decode_lock_info(json.dumps(OURS | {key: text}).encode())
    assert found is not None
    assert str(found).isprintable()
    assert str(found).encode()
    assert len(str(found)) < 400


@pytest.mark.parametrize(
    "change",
    [
        {"pid": "1"},
        {"pid": 1e999},
        {"who": None},
        {"since": 0},
        {"since": "99999999999-01-01"},
        {"host": ["lab"]},
    ],
    ids=repr,
)
def test_what_is_not_ours_says_nothing(change):
    """It is a lock all the same; who holds it is not known."""
    assert decode_lock_info(json.dumps(OURS | change).encode()) is None


@pytest.mark.parametrize(
    "data", [b"", b"[" * 9_000, b"\xff", b'{"pid": ' + b"1" * 5_000 + b"}", b"null", b"x" * 20_000]
)
def test_what_is_no_json_says_nothing(data):
    """Nor what is too deep, too long or no text."""
    assert decode_lock_info(data) is None


@given(st.dictionaries(st.sampled_from([*OURS]), VALUES).map(lambda odd: OURS | odd))
def test_any_json_gives_an_answer(document):
    """None, or what can be shown."""
    found = decode_lock_info(json.dumps(document).encode())
    assert found is None or str(found).encode()


CLAIM = new_claim(INFO, says_who=False)


@given(
    st.binary()
    | st.dictionaries(st.sampled_from(["ID", "id", "Info", "Who", "Created", "Operation"]), VALUES).map(
        lambda document: json.dumps(document).encode()
    )
)
def test_any_body_of_a_server_gives_a_claim(body):
    """As a server of Terraform's HTTP protocol shows it: its holder can be shown, its ID sent back."""
    current = read_current_claim(body, asked=CLAIM)
    assert current.claim_id.encode() or not current.claim_id
    assert str(current.holder).isprintable()


@pytest.mark.parametrize(
    "claim_id",
    [
        "x" * 5_000,
        "cut\ud83d",
        "reconciler.\ud83d",
        "reconciler.W10",
        "reconciler.WzEsMiwzLDQsNSwxZTk5OSw3XQ",
        "reconciler." + "W1" * 400,
    ],
    ids=lambda value: ascii(value[:20]),
)
def test_odd_ids_are_ids(claim_id):
    """One that cannot be sent back counts as not told, so that nobody breaks the lock by it."""
    current = read_current_claim(json.dumps({"ID": claim_id}).encode(), asked=CLAIM)
    assert current.claim_id in {claim_id, ""}
    assert str(current.holder).isprintable()
