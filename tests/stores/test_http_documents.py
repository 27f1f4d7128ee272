"""The document behind Terraform's HTTP protocol: every byte comes back, and people can read it."""

import base64
import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.model.errors import StateDamaged
from reconciler.state.state_format import empty_state, encode_state
from reconciler.stores.http_document import (
    StateDocument,
    decode_document,
    encode_document,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
JSON_TEXTS = st.builds(
    lambda value, indent, keys, end: f"{json.dumps(value, indent=indent, sort_keys=keys)}{end}".encode(),
    VALUES,
    st.none() | st.integers(0, 3),
    st.booleans(),
    st.sampled_from(["", "\n", " "]),
)
BYTES = st.binary() | JSON_TEXTS | st.text().map(lambda text: text.encode("utf-8", errors="replace"))


@settings(max_examples=60)
@given(BYTES, BYTES, BYTES, st.integers(0, 10**9))
def test_what_is_put_in_comes_out(snapshot, log, backup, serial):
    """Byte for byte, also where a server reads the JSON and writes it anew, its keys in another order."""
    document = StateDocument(
        serial=serial,
        lineage="x",
        lock_id="a-lock",
        snapshot=snapshot,
        log=log,
        backup=backup,
    )
    data = encode_document(document)
    found = decode_document(data, location="x")
    assert found == document
    assert encode_document(found) == data
    anew = json.dumps(json.loads(data), sort_keys=True).encode()
    assert decode_document(anew, location="x") == document


def test_a_state_stands_in_it_as_json():
    """So that it can be read, searched and compared where the server shows it."""
    state = empty_state("a-lineage")
    document = StateDocument(snapshot=encode_state(state), serial=3, lineage="x", log=b"one\n")
    shown = json.loads(encode_document(document))
    assert shown["snapshot"]["json"]["lineage"] == "a-lineage"
    assert shown["log"] == "one\n"
    assert list(shown)[:3] == ["reconcilerState", "serial", "lineage"]


def test_a_large_state_is_compressed_while_a_run_is_at_work():
    """It travels with every batch; before and after, it can be read."""
    entries = {str(number): "x" * 60 for number in range(2_000)}
    large = f"{json.dumps(entries, indent=2, sort_keys=True)}\n".encode()
    at_rest = StateDocument(serial=1, lineage="x", snapshot=large)
    at_work = replace(at_rest, log=b"head")
    assert json.loads(encode_document(at_rest))["snapshot"]["json"]["7"]
    assert len(encode_document(at_work)) < len(large) / 5
    for document in (at_rest, at_work):
        assert decode_document(encode_document(document), location="x") == document


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 200_000])
def test_a_long_log_is_compressed_but_for_its_end(size):
    """Each batch sends it, and it comes back byte for byte."""
    document = StateDocument(serial=1, lineage="x", log=(b"one record\xc3\xa9\n" * 20_000)[:size])
    data = encode_document(document)
    assert decode_document(data, location="x") == document
    assert len(data) < 160_000


@pytest.mark.parametrize(
    "packed",
    [
        "?",
        "AAAA",
        base64.b64encode(gzip.compress(b"x" * 999))[:-8].decode(),
        base64.b64encode(gzip.compress(b"x", mtime=0)[:-9]).decode(),
    ],
    ids=["no base64", "no gzip", "cut text", "cut gzip"],
)
def test_a_compressed_part_that_is_damaged(packed):
    """It is told, and nothing is made of it."""
    data = encode_document(StateDocument(serial=1, lineage="x", snapshot=b"s")).replace(
        b'"snapshot": "s"', b'"snapshot": {"gzip": "%s"}' % packed.encode()
    )
    with pytest.raises(StateDamaged, match="damaged"):
        decode_document(data, location="x")


def test_a_backup_can_be_had_with_common_tools():
    """It is compressed by gzip, in base64."""
    shown = json.loads(encode_document(StateDocument(backup=b"old")))
    assert gzip.decompress(base64.b64decode(shown["backup"]["gzip"])) == b"old"


def test_an_empty_document_is_none():
    """It reads as a state that was never made."""
    assert decode_document(encode_document(StateDocument()), location="x") == StateDocument()
