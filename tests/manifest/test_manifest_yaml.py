"""YAML is read by version 1.2, alike by both parsers, and nothing that is read makes an exception."""

import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.manifest.loader import load
from reconciler.manifest.yaml.document import LOADER, read
from reconciler.manifest.yaml.nodes import YamlMapping
from reconciler.model.destination import Environment

PARSERS = [pytest.param(LOADER, id="default"), pytest.param(yaml.SafeLoader, id="pure")]


def value_of(text: str, loader: type = LOADER) -> object:
    """The value of `x` in a file that says `x: text`."""
    diagnostics, document = read("f", f"x: {text}\n".encode(), loader=loader)
    assert document is not None
    assert diagnostics.collected == []
    return document.root["x"]


@pytest.mark.parametrize("loader", PARSERS)
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("12:30:00", "12:30:00"),
        ("2026-10-12", "2026-10-12"),
        ("2026-10-12T09:00", "2026-10-12T09:00"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("+", "+"),
        (".", "."),
        ("", None),
        ("~", None),
        ("Null", None),
        ("nULL", "nULL"),
        ("TRUE", True),
        ("false", False),
        ("012", 12),
        ("-7", -7),
        ("0o17", 15),
        ("0x1F", 31),
        ("0X1F", "0X1F"),
        ("1.50", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ('"1"', "1"),
        ("'no'", "no"),
        ("|\n  a\n  b", "a\nb\n"),
        ("=", "="),
        ("[1, [a]]", [1, ["a"]]),
        ("{a: {b: 1}, 'c': ~}", {"a": {"b": 1}, "c": None}),
    ],
)
def test_scalars_follow_the_core_schema(text: str, value: object, loader: type) -> None:
    """A scalar has the value, and the type, that the core schema of YAML 1.2 gives it."""
    result = value_of(text, loader)
    assert result == value
    assert isinstance(result, type(value))


@pytest.mark.parametrize("loader", PARSERS)
def test_merge_keys(loader: type) -> None:
    """Merged mappings fill what is not said; explicit keys win, then earlier sources."""
    text = (
        "\n  a: &a {k: 1, l: 1}\n  b: &b {l: 2, m: 2}\n  c: {<<: [*a, *b], k: 0}\n  d: {<<: *b}"
        "\n  e: {'<<': 1}"
    )
    value = value_of(text, loader)
    assert isinstance(value, YamlMapping)
    assert value["c"] == {"k": 0, "l": 1, "m": 2}
    assert value["d"] == {"l": 2, "m": 2}
    assert value["e"] == {"<<": 1}


@pytest.mark.parametrize("loader", PARSERS)
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_columns_count_characters(loader: type, bom: str) -> None:
    """Characters of several bytes, and a BOM, count as they are seen in an editor."""
    diagnostics, document = read("f", f"{bom}é: 1\r\n'é😀': {{b: x}}\n".encode(), loader=loader)
    assert document is not None
    inner = document.root["é😀"]
    assert isinstance(inner, YamlMapping)
    assert str(diagnostics.source.position(inner.key_at("b").start)) == "f:2:8"
    assert str(diagnostics.source.position(inner.value_at("b").start)) == "f:2:11"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000,
        "{a: " * 20_000,
        "x: *y",
        "a: 1\na: 2",
        'a: "\\ud800"',
        "a: \x00",
        "\ta: b",
        "a: [",
        "x: !e!y 1",
    ],
)
def test_both_parsers_find_the_same(text: str) -> None:
    """Without libyaml the same codes are reported."""
    codes = []
    for loader in (LOADER, yaml.SafeLoader):
        diagnostics, _ = read("f", text.encode(), loader=loader)
        codes.append({each.code for each in diagnostics.collected} - {"syntax", "encoding"})
        assert diagnostics.collected
    assert codes[0] == codes[1]


NOISE = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.text(alphabet="\n  :-{}[]\"'*&!<|>#%?,.~a1éT\\u0", max_size=120).map(str.encode),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=NOISE)
def test_no_input_makes_an_exception(tmp_path: Path, noise: bytes) -> None:
    """Whatever a file holds, loading returns; and what is no manifest has a finding."""
    (tmp_path / "exams.yaml").write_bytes(noise)
    assert load([], root=tmp_path, environment=Environment()).diagnostics


@settings(max_examples=150, deadline=None)
@given(noise=NOISE)
def test_no_input_makes_an_exception_without_libyaml(noise: bytes) -> None:
    """The pure parser is contained alike."""
    diagnostics, _ = read("f", noise, loader=yaml.SafeLoader)
    assert diagnostics.collected or diagnostics.source.is_parsed


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
NAMES = st.sampled_from(
    [
        "version",
        "exams",
        "defaults",
        "configuration",
        "password",
        "fromEnv",
        "course",
        "courses",
        "imports",
        "moved",
        "exam",
        "from",
        "to",
        "sid",
        "instructorAsProctor",
        "startTime",
        "examOpenDate",
        "timezone",
        "contactUserSid",
    ]
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=st.dictionaries(NAMES, TREES, max_size=8))
def test_no_structure_makes_an_exception(tmp_path: Path, tree: dict[str, object]) -> None:
    """Values of every type in every field are answered with diagnostics, and never declared."""
    (tmp_path / "exams.yaml").write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8")
    assert load([], root=tmp_path, environment=Environment()).declared.exams == ()


def test_loading_needs_no_heavy_library() -> None:
    """Reading manifests imports neither the HTTP client nor the differ."""
    import subprocess  # noqa: PLC0415 - a fresh interpreter is the point

    code = "import sys, reconciler.manifest; print(*{'httpx', 'deepdiff'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
