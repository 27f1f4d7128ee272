"""Values are what the standard library's data classes are, wherever this product looks."""

import copy
import dataclasses
import inspect
import pickle
import pprint
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import values

if not hasattr(values, "_dataclass"):
    raise AssertionError("the product's own is what is compared")

NUMBERS = st.integers(-2, 2)


def shapes(of: Any) -> Mapping[str, type]:
    """Classes of every kind that the product has, made by `of`: this module's or the standard library's."""

    @of.dataclass(frozen=True, slots=True, kw_only=True)
    class Named:
        """With defaults, of which one is made anew."""

        one: int
        other: str = "x"
        many: list[int] = of.field(default_factory=list)
        hidden: int = of.field(default=7, repr=False)

    @of.dataclass(frozen=True, slots=True, order=True)
    class Ordered:
        """By its fields in their order."""

        one: int
        other: int = 0

    @of.dataclass(frozen=True, slots=True, kw_only=True)
    class Sealed:
        """Its last field is found out."""

        one: int
        seal: int = of.field(init=False)

        def __post_init__(self) -> None:
            """Seal it."""
            object.__setattr__(self, "seal", self.one * 2)

        @property
        def double(self) -> int:
            """The seal."""
            return self.seal

    @of.dataclass(frozen=True, slots=True, kw_only=True)
    class Longer(Sealed):
        """Has a field more than what it is made of."""

        more: int = 1

    @of.dataclass(slots=True)
    class Changing:
        """May be changed."""

        one: int
        many: list[int] = of.field(init=False, default_factory=list)
        off: bool = of.field(init=False, default=False)

    @of.dataclass(frozen=True, slots=True, eq=False)
    class Itself:
        """Equal to itself only."""

        one: int = of.field(compare=False)

    @of.dataclass(frozen=True)
    class Open:
        """Without slots."""

        one: int
        other: int = of.field(default=3, compare=False)

    @of.dataclass(frozen=True, slots=True)
    class Nothing:
        """Has no field."""

    @of.dataclass(frozen=True, slots=True)
    class Shown:
        """Says itself how it is shown, and what it is equal to."""

        one: int

        def __repr__(self) -> str:
            """Hidden."""
            return "***"

        def __eq__(self, other: object) -> bool:
            """To every other of its kind."""
            return type(other) is type(self)

        def __hash__(self) -> int:
            """Of all alike."""
            return 1

    found = (Named, Ordered, Sealed, Longer, Changing, Itself, Open, Nothing, Shown)
    return {each.__name__: each for each in found}


OURS, THEIRS = shapes(values), shapes(dataclasses)
GIVEN: Mapping[str, tuple[dict[str, Any], ...]] = {
    "Named": ({"one": 1}, {"one": 1, "other": "y", "many": [2], "hidden": 8}, {}, {"two": 2}),
    "Ordered": ({"one": 1}, {"one": 1, "other": 2}, {"other": 1}),
    "Sealed": ({"one": 1}, {"one": 2}, {"one": 1, "seal": 3}),
    "Longer": ({"one": 1}, {"one": 1, "more": 5}, {"more": 5}),
    "Changing": ({"one": 1}, {"one": 1, "many": []}),
    "Itself": ({"one": 1},),
    "Open": ({"one": 1}, {"one": 1, "other": 4}),
    "Nothing": ({}, {"one": 1}),
    "Shown": ({"one": 1}, {"one": 2}),
}


def outcome(act: Callable[[], object]) -> str:
    """What comes of `act`: a value as it is shown, or the kind of its refusal."""
    try:
        return repr(act())
    except (TypeError, AttributeError, ValueError) as error:
        return type(error).__name__


@pytest.mark.parametrize("name", OURS)
def test_a_value_is_made_shown_and_compared_alike(name: str) -> None:
    """By the same arguments, refused alike, with the same fields in the same order."""
    ours, theirs = OURS[name], THEIRS[name]
    for said in GIVEN[name]:
        assert outcome(partial(ours, **said)) == outcome(partial(theirs, **said))
    made = GIVEN[name][0]
    assert outcome(lambda: ours(*made.values())) == outcome(lambda: theirs(*made.values()))
    for one in (ours(**made), theirs(**made)):
        kind = type(one)
        assert (one == kind(**made)) is (name != "Itself")
        assert one != object()
    assert outcome(lambda: hash(ours(**made)) and 1) == outcome(lambda: hash(theirs(**made)) and 1)
    assert ours.__match_args__ == theirs.__match_args__
    assert getattr(ours, "__slots__", None) == getattr(theirs, "__slots__", None)
    assert list(ours.__dataclass_fields__) == list(theirs.__dataclass_fields__)
    assert ours.__doc__ == theirs.__doc__
    assert ours.__qualname__ == theirs.__qualname__


@pytest.mark.parametrize("name", OURS)
def test_the_parameters_are_the_same(name: str) -> None:
    """Kinds, names, annotations, and which have a default: tests that build values look at them."""
    ours, theirs = (inspect.signature(kinds[name]).parameters for kinds in (OURS, THEIRS))
    told = [
        [(one.name, one.kind, one.annotation, one.default is one.empty) for one in parameters.values()]
        for parameters in (ours, theirs)
    ]
    assert told[0] == told[1]


@pytest.mark.parametrize("name", OURS)
def test_a_frozen_value_cannot_be_changed(name: str) -> None:
    """A field can neither be set nor deleted; one that may be changed can, and nothing else can be added."""
    one = OURS[name](**GIVEN[name][0])
    if name == "Changing":
        one.one = 2
        assert one == OURS[name](2)
        with pytest.raises(AttributeError):
            one.unknown = 1
        with pytest.raises(TypeError):
            hash(one)
        return
    with pytest.raises(FrozenInstanceError):
        one.one = 2
    with pytest.raises(FrozenInstanceError):
        del one.one


@pytest.mark.parametrize("replace", [values.replace, dataclasses.replace])
def test_a_value_is_replaced_by_either_function(replace: Any) -> None:
    """What is not named stays; what is found out is found out anew."""
    named = OURS["Named"](one=1, many=[1])
    assert replace(named, one=2) == OURS["Named"](one=2, many=[1])
    longer = OURS["Longer"](one=1, more=4)
    assert replace(longer, one=3).double == 6
    with pytest.raises(ValueError, match="seal"):
        replace(longer, seal=1)


def test_what_is_made_anew_is_not_shared() -> None:
    """Each value has a list of its own."""
    assert OURS["Named"](one=1).many is not OURS["Named"](one=1).many


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_order_is_that_of_the_fields(a: int, b: int, c: int, d: int) -> None:
    """By each operator, and only among values of one class."""
    ours = OURS["Ordered"](a, b), OURS["Ordered"](c, d)
    theirs = THEIRS["Ordered"](a, b), THEIRS["Ordered"](c, d)
    for one, other in (ours, theirs):
        found = (one < other, one <= other, one > other, one >= other, one == other, hash(one) == hash(other))
        assert found[:5] == (
            (a, b) < (c, d),
            (a, b) <= (c, d),
            (a, b) > (c, d),
            (a, b) >= (c, d),
            (a, b) == (c, d),
        )
    with pytest.raises(TypeError):
        assert ours[0] < theirs[0]


@values.dataclass(frozen=True, slots=True)
class Kept:
    """At the top of a module, so that it can be pickled."""

    one: int
    many: tuple[int, ...] = ()


def test_values_can_be_copied_pickled_and_printed() -> None:
    """As other processes, and tests that fail, do."""
    kept = Kept(1, (2, 3))
    assert copy.copy(kept) == copy.deepcopy(kept) == pickle.loads(pickle.dumps(kept)) == kept  # noqa: S301
    assert pprint.pformat(kept) == repr(kept) == "Kept(one=1, many=(2, 3))"
    match kept:
        case Kept(one, many):
            assert (one, many) == (1, (2, 3))
