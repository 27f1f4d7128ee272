"""Merge order against a model: every layer's values, and where each of them comes from."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from manifest_tree import AI, WHOLE, read, said, write

from reconciler.model.provenance import Layer

BASES = 4
KEYS = st.sampled_from("abc")
PLACEHOLDER = object()
TREES = st.recursive(
    st.just(PLACEHOLDER) | st.just([PLACEHOLDER]),
    lambda inner: st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
FULL = st.dictionaries(KEYS, TREES, min_size=2, max_size=3)
PROFILES = st.fixed_dictionaries({}, optional={"p": FULL, "q": FULL, "r": FULL})
PARTS = st.none() | st.dictionaries(KEYS, TREES, max_size=4)


def labelled(tree: Any, label: str) -> Any:
    """`tree` with `label` for every value, so that a value tells which layer it is of."""
    if isinstance(tree, dict):
        return {key: labelled(value, label) for key, value in tree.items()}
    return [label] if isinstance(tree, list) else label


def part(tree: Any, label: str) -> dict[str, Any]:
    """A partial exam with `tree` where the schema lets anything be."""
    return {"configuration": {"modalityOptions": labelled(tree, label)}}


def leaves(tree: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """Every path at which `tree` ends, with what is there."""
    if isinstance(tree, dict) and tree:
        return [leaf for key, value in tree.items() for leaf in leaves(value, (*path, key))]
    return [(path, tree)]


def assign(document: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Make `value` what `document` has at `path`, with mappings on the way whatever was there."""
    *above, key = path
    for step in above:
        if not isinstance(document.get(step), dict):
            document[step] = {}
        document = document[step]
    if value != {} or not isinstance(document.get(key), dict):
        document[key] = value


def expanded(number: int, extends: list[list[int]]) -> list[int]:
    """The bases that base `number` stands on, and itself: depth first, as they are listed."""
    below = [each for extended in extends[number] for each in expanded(extended, extends)]
    return [*below, number]


@st.composite
def webs(draw: st.DrawFn) -> list[list[int]]:
    """For each base, and last for the manifest, which bases it extends: only ones with a higher number."""
    found = []
    for number in range(BASES):
        above = list(range(number + 1, BASES))
        found.append(draw(st.lists(st.sampled_from(above), unique=True, max_size=3)) if above else [])
    found.append(draw(st.lists(st.integers(0, BASES - 1), unique=True)))
    return found


@settings(max_examples=200)
@given(
    web=webs(),
    defaults=st.lists(PARTS, min_size=BASES + 1, max_size=BASES + 1),
    profiles=st.lists(PROFILES, min_size=BASES + 1, max_size=BASES + 1),
    listed=st.permutations("pqr").flatmap(lambda names: st.sampled_from([names, names[:2], names[:1], []])),
    exam=PARTS,
)
def test_layers_are_merged_in_their_order(
    web: list[list[int]],
    defaults: list[Any],
    profiles: list[dict[str, Any]],
    listed: list[str],
    exam: Any,
) -> None:
    """Bases as listed, the file's defaults, profiles as listed, the exam; provenance says the same."""
    files = [f"_{number}.yaml" for number in range(BASES)] + ["exams.yaml"]
    order = list(dict.fromkeys([*(each for top in web[-1] for each in expanded(top, web)), BASES]))
    known: dict[str, tuple[str, Any]] = {}
    for number in order:
        known |= {name: (files[number], tree) for name, tree in profiles[number].items()}
    used = [name for name in listed if name in known]

    layers = [(f"defaults {files[number]}", defaults[number]) for number in order]
    layers += [(f"profile {name} {known[name][0]}", known[name][1]) for name in used]
    layers += [("exam exams.yaml", exam)]
    expected: dict[str, Any] = {}
    for label, tree in layers:
        for path, value in leaves(labelled(tree, label)) if tree else []:
            assign(expected, path, value)

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for number, file in enumerate(files):
            document: dict[str, Any] = {"extends": [files[each] for each in web[number]]}
            if defaults[number] is not None:
                document["defaults"] = part(defaults[number], f"defaults {file}")
            document["profiles"] = {
                name: part(tree, f"profile {name} {file}") for name, tree in profiles[number].items()
            }
            if file == "exams.yaml":
                own = part(exam, "exam exams.yaml") if exam is not None else {"configuration": {}}
                document |= {"installSid": AI, "exams": {"a": WHOLE | own | {"profiles": used}}}
            write(root, file, document)
        loaded = read(root)

    assert said(loaded) == []
    configuration = loaded.declared.exams[0].payload["configuration"]
    assert isinstance(configuration, dict)
    assert configuration.get("modalityOptions", {}) == expected
    provenance = loaded.provenance[loaded.declared.exams[0].address]
    for path, value in leaves(expected):
        if value == {}:
            continue  # says nothing of where it is from
        source = provenance[".".join(("configuration", "modalityOptions", *path))]
        assert source.position is not None
        name = "" if source.name is None else f"{source.name} "
        told = f"{source.layer.value} {name}{source.position.file}"
        assert told == (value[0] if isinstance(value, list) else value)
        assert source.layer in {Layer.EXAM, Layer.PROFILE, Layer.DEFAULTS}
