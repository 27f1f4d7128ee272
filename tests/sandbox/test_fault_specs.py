"""Fault specs: what they mean, and what is said of those that mean nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.sandbox import Fault, parse_fault
from reconciler.sandbox.faults import Effect, Kind, Selection


@pytest.mark.parametrize(
    ("spec", "effect"),
    [
        ("latency:seconds=0.05", Effect(kind=Kind.LATENCY, seconds=0.05)),
        ("429", Effect(kind=Kind.THROTTLED, retry_after_s=None, as_date=False)),
        ("429:retry-after=2", Effect(kind=Kind.THROTTLED, retry_after_s=2, as_date=False)),
        ("429:retry-after=0,form=date", Effect(kind=Kind.THROTTLED, retry_after_s=0, as_date=True)),
        (
            "rate:per-second=20",
            Effect(kind=Kind.RATE, per_second=20, retry_after_s=1, as_date=False),
        ),
        (
            "rate:per-second=20,retry-after=0,form=date",
            Effect(kind=Kind.RATE, per_second=20, retry_after_s=0, as_date=True),
        ),
        ("status:code=503", Effect(kind=Kind.STATUS, code=503, stored=False)),
        ("status:code=500,stored=true", Effect(kind=Kind.STATUS, code=500, stored=True)),
        ("html:stored=true", Effect(kind=Kind.HTML, stored=True)),
        ("html", Effect(kind=Kind.HTML, stored=False)),
        ("redirect", Effect(kind=Kind.REDIRECT, code=307)),
        ("redirect:code=302", Effect(kind=Kind.REDIRECT, code=302)),
        ("drop-before", Effect(kind=Kind.DROP_BEFORE)),
        ("drop-after", Effect(kind=Kind.DROP_AFTER)),
        ("no-sid", Effect(kind=Kind.NO_SID)),
        ("truncated", Effect(kind=Kind.TRUNCATED)),
        ("slow-body:seconds=5", Effect(kind=Kind.SLOW_BODY, seconds=5)),
    ],
)
def test_kind_and_its_keys_are_read(spec: str, effect: Effect) -> None:
    """Each kind of the documentation becomes its effect, on every create."""
    assert parse_fault(spec) == Fault(effect=effect, selection=Selection(), spec=spec)


def test_selection_keys_go_with_every_kind() -> None:
    """All five selection keys are read beside a kind's own."""
    fault = parse_fault(" status:code=503, nth=2 ,every=3,first=4,times=5,title=Final * ")
    assert fault.effect == Effect(kind=Kind.STATUS, code=503, stored=False)
    assert fault.selection == Selection(nth=2, every=3, first=4, times=5, title="Final *")


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("", "unknown kind ''; choose from latency, 429"),
        ("no-such", "unknown kind 'no-such'"),
        ("latency", "needs seconds="),
        ("latency:seconds=soon", "seconds must be a number above 0"),
        ("latency:seconds=nan", "seconds must be a number above 0"),
        ("latency:seconds=0", "seconds must be a number above 0"),
        ("latency:seconds=1e9", "at most 3600"),
        ("429:retry-after=-1", "retry-after must be a whole number of at least 0"),
        ("429:retry-after=1.5", "retry-after must be a whole number"),
        ("429:form=week", "form must be seconds or date"),
        ("status", "needs code="),
        ("status:code=199", "code must be 200 to 599"),
        ("status:code=abc", "code must be 200 to 599"),
        ("redirect:code=304", "code must be one of 301, 302"),
        ("html:stored=yes", "stored must be false or true"),
        ("drop-after:nth=0", "nth must be a whole number of at least 1"),
        ("drop-after:nth=" + "9" * 5000, "nth must be a whole number"),
        ("drop-after:nth=²", "nth must be a whole number"),
        ("drop-after:nth", "'nth' is not key=value"),
        ("drop-after:nth=1,", "'' is not key=value"),
        ("drop-after:nth=1,nth=2", "nth is given twice"),
        ("drop-after:code=500", "drop-after has no 'code'"),
    ],
)
def test_mistake_is_named(spec: str, says: str) -> None:
    """A spec that means nothing is refused with what is wrong with it."""
    with pytest.raises(ValueError, match="fault") as caught:
        parse_fault(spec)
    assert says in str(caught.value)


@given(
    st.one_of(
        st.text(),
        st.from_regex(r"(429|status|latency|no-sid|rate|redirect):(\w|[-=,.])*", fullmatch=True),
    )
)
def test_any_text_is_a_fault_or_a_value_error(text: str) -> None:
    """No text makes an exception other than ValueError."""
    try:
        assert parse_fault(text).spec == text.strip()
    except ValueError as error:
        assert str(error).startswith("fault ")  # noqa: PT017 - either outcome is right
