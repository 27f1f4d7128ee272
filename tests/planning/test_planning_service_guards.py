"""Guards over the service: exams go where they were meant to go, and where those in state are."""

import pytest
from msgspec.structs import replace
from planning_cases import (
    INSTALL,
    OTHER_INSTALL,
    adopts,
    codes,
    created,
    declaring,
    doubted,
    exam,
    guard,
    planned,
    state,
)

from reconciler.model.destination import NamedBy, ServiceUrl
from reconciler.model.errors import ResolutionRefused
from reconciler.planning.state_edits import rebind

HERE = ServiceUrl(url="https://api.example.edu", named_by=NamedBy.CHOICE)
DEFAULT = replace(HERE, named_by=NamedBy.DEFAULT)
ELSEWHERE = "https://api.elsewhere.example.edu"


def bound(known, to):
    """`known`, whose exams are at `to`."""
    return replace(known, service=to)


@pytest.mark.parametrize("empty", [state(), bound(state(), ELSEWHERE)], ids=["new", "bound in vain"])
def test_a_state_that_holds_nothing_is_for_any_service(empty):
    """There are no exams that could be elsewhere; so it stays after a first apply to a mistyped URL."""
    assert codes(planned(declaring("a"), empty, service=HERE)) == []
    assert codes(planned(declaring("a"), empty, service=DEFAULT)) == []


@pytest.mark.parametrize("service", [HERE, DEFAULT])
@pytest.mark.parametrize("declared", [declaring("a"), declaring("a", "b"), declaring()])
def test_the_state_of_another_service_is_refused(service, declared):
    """Whether anything is to be created or not: what is up to date there is not here."""
    plan = planned(declared, bound(state(created("a")), ELSEWHERE), service=service)
    assert codes(plan) == ["other-service"]
    found = guard(plan, "other-service")
    assert ELSEWHERE in found.message
    assert HERE.url in found.message
    assert f"reconciler state rebind --api-url {HERE.url}" in found.hint
    assert codes(planned(declared, bound(state(created("a")), HERE.url), service=service)) == []


LOCAL = ("http://127.0.0.1:8400", "http://localhost:8400", "http://[::1]:8400")


@pytest.mark.parametrize("local", LOCAL)
def test_a_rehearsal_is_never_taken_for_the_real_service(local):
    """Exams of a sandbox exist in that sandbox only, so neither way is offered or done."""
    held = bound(state(created("a")), local)
    away = bound(held, HERE.url)
    for known, service in ((held, HERE), (away, replace(HERE, url=local))):
        found = guard(planned(declaring("a"), known, service=service), "other-service")
        assert "rebind" not in found.hint
        assert "a state of its own" in found.hint
        with pytest.raises(ResolutionRefused, match="only one of that and"):
            rebind(known, service.url)
    for other in LOCAL:
        assert rebind(held, other).service == other
    assert rebind(away, ELSEWHERE).service == ELSEWHERE
    assert rebind(bound(state(created("a")), None), local).service == local
    assert rebind(bound(state({}), local), HERE.url).service == HERE.url


@pytest.mark.parametrize("known", [state(created("b")), state({}, doubted("b"))], ids=["created", "in doubt"])
def test_a_state_of_before_is_bound_by_a_name_only(known):
    """A variable, or the default, does not say where exams are that state holds already."""
    declared = declaring("a", "b")
    assert codes(planned(declared, known, service=DEFAULT)) == ["unbound-service"]
    assert codes(planned(declared, known, service=HERE)) == []


def test_a_state_of_before_may_be_read():
    """Where nothing is to be created, nothing need be known."""
    known = state(created("a"))
    assert codes(planned(declaring("a"), known, service=DEFAULT)) == []
    assert codes(planned(declaring("a", "b"), known, targets=["a"], service=DEFAULT)) == []
    adopting = declaring("a", "b", imports=[adopts("b", 9)])
    assert codes(planned(adopting, known, service=DEFAULT)) == []


def test_a_variable_that_contradicts_the_environment_is_refused():
    """Which of the two is meant, only a person knows."""
    plan = planned(declaring("a"), service=replace(HERE, contradiction=ELSEWHERE))
    assert codes(plan) == ["contradicting-url"]
    assert ELSEWHERE in guard(plan, "contradicting-url").message
    assert "--api-url" in guard(plan, "contradicting-url").hint


def test_a_plan_names_the_installs_of_what_it_is_about():
    """Each once, sorted, and those of exams outside its targets left out."""
    declared = declaring(exam("a", install=OTHER_INSTALL), "b", "c")
    assert planned(declared).destination.install_sids == (INSTALL, OTHER_INSTALL)
    assert planned(declared, targets=["b"]).destination.install_sids == (INSTALL,)
