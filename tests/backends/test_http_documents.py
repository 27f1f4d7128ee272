"""The document behind Terraform's HTTP protocol: every byte comes back, and people can read it."""

import base64
import gzip
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.backends.http_document import (
    Document,
    decode_document,
    encode_document,
    keep_readable,
    pack,
)
from reconciler.statefile import encode_state
from reconciler.statefile.state_format import empty_state

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
def test_what_is_put_in_comes_out(snapshot, journal, backup, serial):
    """Byte for byte, also where a server reads the JSON and writes it anew, its keys in another order."""
    document = Document(
        serial=serial,
        lineage="x",
        snapshot=keep_readable(snapshot),
        journal=journal,
        backup=pack(backup),
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
    document = Document(snapshot=keep_readable(encode_state(state)), serial=3, lineage="x", journal=b"one\n")
    shown = json.loads(encode_document(document))
    assert shown["snapshot"]["json"]["lineage"] == "a-lineage"
    assert shown["journal"] == "one\n"
    assert list(shown)[:3] == ["reconcilerState", "serial", "lineage"]


def test_a_backup_can_be_had_with_common_tools():
    """It is compressed by gzip, in base64."""
    shown = json.loads(encode_document(Document(backup=pack(b"old"))))
    assert gzip.decompress(base64.b64decode(shown["backup"]["gzip"])) == b"old"


def test_an_empty_document_is_none():
    """It reads as a state that was never made."""
    assert decode_document(encode_document(Document()), location="x") == Document()
