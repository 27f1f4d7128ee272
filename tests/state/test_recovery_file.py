"""Recovery files on the disk: locked while they are written, cut back where a write failed, and signed."""

import resource
import zlib
from contextlib import suppress

import pytest
from state_builders import LINEAGE, began, created, failed

from reconciler.model.errors import RecoveryRefused, StateTooNew
from reconciler.state.recovery_file import make_recovery_file, read_leftover, recovery_paths
from reconciler.state.recovery_format import Chain, RecoveryHeader, decode_recovery
from reconciler.state.strict_json import MalformedError

KEY = b"k" * 32


def header(run="run"):
    """The header of `run`."""
    return RecoveryHeader(lineage=LINEAGE, serial=3, location="s3://b/s", run=run)


def make(folder, run="run", key=KEY):
    """A recovery file with a header."""
    return make_recovery_file(folder, header(run), key=key)


def read(folder):
    """The names and records of what was left there."""
    found = {}
    for path in recovery_paths(folder):
        with suppress(OSError):
            found[path.stem] = decode_recovery(read_leftover(path), name="r").records
    return found


def lines_of(*records, key=KEY):
    """The bytes of a file with `records`."""
    data, chain = Chain(key=key).begin(header())
    for record in records:
        line, chain = chain.add(record)
        data += line
    return data


def test_what_is_kept_is_left(tmp_path):
    """Intents and outcomes, in order."""
    file = make(tmp_path / "r")
    assert file.is_empty
    file.keep_intents([began("a", "t1"), failed("b", "t2")])
    file.keep_outcomes([began("c", "t3"), created("a", "t1", 1)])
    assert not file.is_empty
    file.close()
    assert read(tmp_path / "r") == {"run": (began("a", "t1"), created("a", "t1", 1))}


def test_a_file_that_is_being_written_is_not_left(tmp_path):
    """Another run neither reads nor removes it."""
    file = make(tmp_path)
    make(tmp_path, "ended").close()
    assert read(tmp_path) == {"ended": ()}
    file.close()
    assert read(tmp_path).keys() == {"ended", "run"}


def test_a_discarded_file_is_gone_and_its_folder_stays(tmp_path):
    """Nothing is left to look at."""
    make(tmp_path / "r").discard()
    assert read(tmp_path / "r") == {}
    assert read(tmp_path / "absent") == {}


def test_a_link_is_not_followed(tmp_path):
    """A committed link in the folder leads nowhere."""
    make(tmp_path / "elsewhere").close()
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "x.recovery").symlink_to(tmp_path / "elsewhere" / "run.recovery")
    assert read(tmp_path / "r") == {}


def test_a_failed_write_leaves_no_half(tmp_path):
    """The next records go in its place, and the chain of what is kept is whole."""
    file = make(tmp_path)
    file.keep_outcomes([created("a", "t1", 1)])
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.path.stat().st_size + 9, usual[1]))
    try:
        file.keep_outcomes([created("b", "t2", 2)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert "File too large" in str(file.failure)
    file.keep_outcomes([created("c", "t3", 3)])
    file.close()
    found = decode_recovery(file.path.read_bytes(), name="r", key=KEY)
    assert found.records == (created("a", "t1", 1), created("c", "t3", 3))
    assert found.is_ours


def test_a_name_that_is_taken_is_refused(tmp_path):
    """Two runs never share a file."""
    make(tmp_path).close()
    with pytest.raises(RecoveryRefused, match="File exists"):
        make(tmp_path)
    assert read(tmp_path) == {"run": ()}


def test_only_outcomes_are_owed(tmp_path):
    """An intent that the store did not take was never sent."""
    file = make(tmp_path)
    file.owe([began("a", "t1")])
    assert not file.is_owed
    file.owe([created("a", "t1", 1)])
    assert file.is_owed


RECORDS = (began("a", "t1"), created("a", "t1", 1), failed("b", "t2"))


def test_a_file_of_this_machine_is_known():
    """By the key; another key, none, or a file without it does not do."""
    data = lines_of(*RECORDS)
    found = decode_recovery(data, name="r", key=KEY)
    assert (found.header, found.records, found.is_ours) == (header(), RECORDS, True)
    assert not decode_recovery(data, name="r", key=b"o" * 32).is_ours
    assert not decode_recovery(data, name="r").is_ours
    unsigned = decode_recovery(lines_of(*RECORDS, key=None), name="r", key=KEY)
    assert (unsigned.records, unsigned.is_ours) == (RECORDS, False)


def resigned(line):
    """`line` with the checksum of its text."""
    text = line[9:].rstrip(b"\n")
    return b"%08x %s\n" % (zlib.crc32(text), text)


def test_a_forged_line_is_seen():
    """Changed, left out, added, or taken from another file: the HMAC of the chain does not fit."""
    other = lines_of(began("z", "t9"), created("a", "t1", 2), key=KEY).splitlines(keepends=True)
    own = lines_of(*RECORDS).splitlines(keepends=True)
    changed = resigned(own[1].replace(b'"address":"a"', b'"address":"x"'))
    left_out = resigned(own[2].replace(b'"number":2', b'"number":1'))
    for lines in (
        [own[0], changed],
        [own[0], left_out],
        [*own[:2], other[2]],
        [other[0], other[1], own[2]],
        [*own[:2], *lines_of(*RECORDS, key=None).splitlines(keepends=True)[2:]],
    ):
        found = decode_recovery(b"".join(lines), name="r", key=KEY)
        assert not found.is_ours, lines
    assert decode_recovery(b"".join(own[:2]), name="r", key=KEY).is_ours


def test_files_of_earlier_versions_are_read():
    """They hold outcomes only; their lines name no run and have no HMAC."""
    first, *lines = lines_of(created("a", "t1", 1), key=None).splitlines(keepends=True)
    early = first.replace(b',"run":"run"', b"").replace(b'"formatVersion":3', b'"formatVersion":2')
    found = decode_recovery(b"".join([resigned(early), *lines]), name="r", key=KEY)
    assert (found.records, found.is_ours) == ((created("a", "t1", 1),), False)
    assert found.header == RecoveryHeader(lineage=LINEAGE, serial=3, location="s3://b/s", run="")


def test_a_torn_end_is_left_out():
    """Every cut gives the whole lines before it, and no error; they are this machine's."""
    data = lines_of(*RECORDS)
    found = [decode_recovery(data[:cut], name="r", key=KEY) for cut in range(len(data) + 1)]
    counts = [-1 if one is None else len(one.records) for one in found]
    assert counts == sorted(counts)
    assert set(counts) == {-1, 0, 1, 2, 3}
    assert all(one.is_ours for one in found if one is not None)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (lines_of(*RECORDS).replace(b'"created"', b'"creaTed"'), "line 3"),
        (b"".join(lines_of(*RECORDS).splitlines(keepends=True)[::2]), "line 2"),
        (resigned(lines_of().replace(b'"recovery"', b'"log"')), "line 1"),
        (b"[]\n", "line 1"),
    ],
)
def test_other_damage_is_told_with_its_place(data, place):
    """A log is no recovery file either."""
    with pytest.raises(MalformedError, match=place):
        decode_recovery(data, name="r")


def test_a_later_format_is_refused():
    """It may hold what this version does not understand."""
    with pytest.raises(StateTooNew):
        decode_recovery(resigned(lines_of().replace(b'"formatVersion":3', b'"formatVersion":4')), name="r")
