"""Each action of a plan, and what its line says."""

import subprocess
import sys

from msgspec.structs import replace
from planning_cases import (
    COURSE,
    HERE,
    INSTALL,
    LINEAGE,
    OTHER_COURSE,
    OTHER_INSTALL,
    absent,
    actions,
    adopts,
    codes,
    created,
    declaring,
    doubted,
    entry,
    exam,
    intent,
    line,
    payload,
    planned,
    removes,
    sid,
    state,
)

from reconciler.model.diagnostics import Position
from reconciler.model.plan import Action, Change, FieldDiff


def test_unknown_declaration_is_created():
    """A declaration that state does not know is a create, with all that it declares."""
    declaration = exam("cs101/a", alias="cs101")
    plan = planned(declaring(declaration))
    assert plan.changes == (
        Change(
            address=declaration.address,
            action=Action.CREATE,
            install_sid=INSTALL,
            course_sid=COURSE,
            sid=None,
            digest=declaration.digest,
            source=HERE,
            before=None,
            after=declaration.payload,
            course="cs101",
        ),
    )
    assert (plan.lineage, plan.serial, plan.guards) == (LINEAGE, 3, ())


def test_created_declaration_is_noop():
    """A declaration that equals its entry needs nothing, and its line still knows the SID."""
    plan = planned(declaring("a"), state(created("a")))
    assert actions(plan) == {"a": Action.NOOP}
    assert line(plan, "a").sid == sid(1)
    assert line(plan, "a").diff == ()
    assert not plan.differs


def test_edited_declaration_is_changed():
    """An edit is shown field by field and is nothing to make."""
    edited = exam("a", payload("Exam a", duration=90))
    plan = planned(declaring(edited), state(created("a")))
    changed = line(plan, "a")
    assert changed.action is Action.CHANGED
    assert changed.diff == (FieldDiff(path="configuration.duration", before=60, after=90),)
    assert (changed.before, changed.after, changed.digest) == (
        exam("a").payload,
        edited.payload,
        edited.digest,
    )
    assert plan.to_make == ()


def test_other_course_is_changed():
    """A declaration in another course or install differs, although its payload does not."""
    elsewhere = exam("a", install=OTHER_INSTALL, course=OTHER_COURSE)
    changed = line(planned(declaring(elsewhere), state(created("a"))), "a")
    assert changed.action is Action.CHANGED
    assert changed.diff == (
        FieldDiff(path="courseSid", before=COURSE, after=OTHER_COURSE),
        FieldDiff(path="installSid", before=INSTALL, after=OTHER_INSTALL),
    )


def test_undeclared_entry_is_orphaned():
    """What is no longer declared stays, as an orphan without a source."""
    orphan = line(planned(declaring(), state(created("a"))), "a")
    assert orphan.action is Action.ORPHANED
    assert (orphan.source, orphan.sid, orphan.before, orphan.after) == (None, sid(1), exam("a").payload, None)


def test_intent_blocks_its_address():
    """An address in doubt is never a create, and its line shows what was sent and what is declared."""
    edited = exam("a", payload("Exam a", duration=90))
    plan = planned(declaring(edited), state(intents=doubted("a")))
    blocked = line(plan, "a")
    assert blocked.action is Action.IN_DOUBT
    assert blocked.intent == intent("try-a", exam("a"))
    assert (blocked.before, blocked.after, blocked.sid) == (exam("a").payload, edited.payload, None)
    assert [field.path for field in blocked.diff] == ["configuration.duration"]
    assert plan.to_make == plan.guards == ()


def test_intent_outlives_its_declaration():
    """An address in doubt stays so when it is no longer declared, and `removed` does not end that."""
    blocked = line(planned(declaring(removed=removes("a")), state(intents=doubted("a"))), "a")
    assert blocked.action is Action.IN_DOUBT
    assert (blocked.source, blocked.after, blocked.before) == (None, None, exam("a").payload)


def test_doubt_outweighs_an_entry():
    """A state that holds both an entry and an intent of one address, which none should, blocks it."""
    plan = planned(declaring("a"), state(created("a"), doubted("a")))
    assert actions(plan) == {"a": Action.IN_DOUBT}


def test_absence_of_this_attempt_lets_it_be_created():
    """A confirmed absence turns a doubt into a create."""
    plan = planned(declaring("a", absences=[absent("a")]), state(intents=doubted("a")))
    assert actions(plan) == {"a": Action.CREATE}
    assert line(plan, "a").intent is None


def test_absence_of_another_attempt_settles_nothing():
    """An absence that names an older attempt, or another address, leaves the doubt."""
    blocks = [absent("a", "try-older"), absent("b", "try-a")]
    plan = planned(declaring("a", absences=blocks), state(intents=doubted("a")))
    assert actions(plan) == {"a": Action.IN_DOUBT}


def test_absence_of_an_undeclared_attempt_forgets_it():
    """An intent that a person ended, of an exam that nobody declares, is a forget without a SID."""
    forgotten = line(planned(declaring(absences=[absent("a")]), state(intents=doubted("a"))), "a")
    assert forgotten.action is Action.FORGET
    assert (forgotten.sid, forgotten.before, forgotten.after) == (None, exam("a").payload, None)


def test_import_of_a_declared_exam():
    """A declared exam that state does not know is adopted with the SID that the import names."""
    adopted = line(planned(declaring("a", imports=[adopts("a", 9)])), "a")
    assert adopted.action is Action.IMPORT
    assert (adopted.sid, adopted.before, adopted.after) == (sid(9), None, exam("a").payload)


def test_import_settles_a_doubt():
    """An import of an address in doubt adopts it, declared or not."""
    known = state(intents=doubted("a", "b"))
    plan = planned(declaring("a", imports=[adopts("a", 8), adopts("b", 9)]), known)
    assert actions(plan) == {"a": Action.IMPORT, "b": Action.IMPORT}
    assert (line(plan, "b").before, line(plan, "b").after, line(plan, "b").sid) == (
        exam("b").payload,
        None,
        sid(9),
    )
    assert plan.guards == ()


def test_import_that_was_applied_is_stale():
    """An import that state agrees with says nothing; the line is as usual."""
    edited = exam("b", payload("Exam b", duration=90))
    blocks = [adopts("a", 1), adopts("b", 2)]
    plan = planned(declaring("a", edited, imports=blocks), state(created("a", "b")))
    assert actions(plan) == {"a": Action.NOOP, "b": Action.CHANGED}
    assert plan.guards == ()


def test_import_of_nothing_declared_is_ignored():
    """An import that names neither a declaration nor a doubt has no line."""
    plan = planned(declaring(imports=[adopts("a", 1)]))
    assert plan.changes == plan.guards == ()


def test_removed_entry_is_forgotten():
    """A removal drops an entry from state; one of an unknown address is stale."""
    plan = planned(declaring(removed=removes("a", "unknown")), state(created("a")))
    assert actions(plan) == {"a": Action.FORGET}
    forgotten = line(plan, "a")
    assert (forgotten.sid, forgotten.before, forgotten.after) == (sid(1), exam("a").payload, None)


def test_removal_of_a_declared_exam_is_ignored():
    """What is still declared is not forgotten: it would be created a second time."""
    plan = planned(declaring("a", removed=removes("a")), state(created("a")))
    assert actions(plan) == {"a": Action.NOOP}


def test_lines_are_sorted_and_single():
    """Every declared and every known address has one line, in order of address."""
    known = state(created("orphan", "b"), doubted("doubt", "c"))
    plan = planned(declaring("z", "c", "b"), known)
    assert list(actions(plan)) == ["b", "c", "doubt", "orphan", "z"]


def test_first_of_two_declarations_counts():
    """Of two declarations with one address, which the manifest room refuses, the first by position counts."""
    first = exam("a", payload("first"), at=Position("a.yaml", 1, 1))
    second = exam("a", payload("second"), at=Position("b.yaml", 1, 1))
    assert planned(declaring(first, second)) == planned(declaring(second, first))
    assert line(planned(declaring(second, first)), "a").after == first.payload


def test_nothing_heavy_loads_where_nothing_differs():
    """A plan of which every line is create or noop does not import deepdiff."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from planning_cases import *\n"
        "assert len(planned(declaring('a', 'b'), state(created('a'))).changes) == 2\n"
        "assert 'deepdiff' not in sys.modules\n"
        "planned(declaring(exam('a', payload('other'))), state(created('a')))\n"
        "assert 'deepdiff' in sys.modules\n"
    )
    from_here = __file__.rpartition("/")[0]
    done = subprocess.run(
        [sys.executable, "-c", program, from_here], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_entry_is_compared_by_digest():
    """A digest that differs over equal payloads is a difference, and is named."""
    held = replace(entry(1, exam("a", payload("another"))), digest=exam("b").digest)
    declaration = exam("a", held.payload)
    changed = line(planned(declaring(declaration), state({"a": held})), "a")
    assert changed.diff == (FieldDiff(path="digest", before=exam("b").digest, after=declaration.digest),)
    assert codes(planned(declaring(declaration), state({"a": held}))) == []
