"""A run whose state is in git: how many pushes it makes, and who else pushes while it is at work."""

import pytest
from git_repositories import bare, git, push_files, refusal
from msgspec.structs import replace
from session_stores import a_lock, open_session
from state_builders import LINEAGE, began, created, entry

from reconciler.model.errors import StateUnavailable
from reconciler.state.initialising import initialise
from reconciler.state.session import load_state
from reconciler.state.state_format import encode_state
from reconciler.stores.git import open_git


@pytest.fixture
def repository(tmp_path):
    """A repository with an empty state."""
    path = bare(tmp_path / "exams.git")
    initialise(client(path), lineage=LINEAGE, lock=a_lock("l0", "init"))
    return path


def client(repository):
    """A client of the state."""
    return open_git(f"git+file://{repository}", root=repository.parent)


def count(repository):
    """The commits of the branch."""
    return int(git(repository, "rev-list", "--count", "exam-state"))


def test_a_run_begins_with_one_push_and_ends_with_another(repository):
    """Between them each batch of records is one."""
    before = count(repository)
    with open_session(client(repository), lock=a_lock(), timeout_s=0) as session:
        assert count(repository) == before + 1
        session.append([began("a", "t1"), began("b", "t2")])
        session.append([created("a", "t1", 1), created("b", "t2", 2)])
        assert count(repository) == before + 3
    assert count(repository) == before + 4
    assert load_state(client(repository)).exams.keys() == {"a", "b"}
    assert git(repository, "for-each-ref", "--format=%(refname)").split() == ["refs/heads/exam-state"]


def test_a_state_that_is_changed_by_hand_is_gone_on_from(repository):
    """While the log ends with the run's lock, the run puts its records on top of what was pushed."""
    with open_session(client(repository), lock=a_lock(), timeout_s=0) as session:
        session.append([began("a", "t1")])
        changed = replace(load_state(client(repository)), exams={"b": entry(2)}, intents={})
        push_files(repository, "exam-state", {"exams.state.json": encode_state(changed).decode()})
        session.append([created("a", "t1", 1)])
    assert load_state(client(repository)).exams.keys() == {"a", "b"}


def test_a_run_whose_log_is_removed_by_hand_changes_nothing_more(repository):
    """Its lock went with the log."""
    with open_session(client(repository), lock=a_lock(), timeout_s=0) as session:
        session.append([began("a", "t1")])
        other = push_files(repository, "exam-state", {}, drops=["exams.state.json.log"])
        for _ in range(2):
            error = refusal(StateUnavailable, lambda: session.append([created("a", "t1", 1)]))
            assert "was removed or cut while this run was writing it" in error.message
    assert git(repository, "rev-parse", "exam-state").strip() == other
