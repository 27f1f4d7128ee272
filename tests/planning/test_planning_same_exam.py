"""The guard `same-exam`: what people take for one exam is created once, whatever its address is."""

import time

import pytest
from msgspec.structs import replace
from planning_cases import (
    COURSE,
    NOW,
    OTHER_COURSE,
    OTHER_INSTALL,
    actions,
    adopts,
    codes,
    created,
    declaring,
    entry,
    exam,
    guard,
    intent,
    moves,
    payload,
    planned,
    removes,
    state,
    tells_apart,
)

from reconciler.model.payloads import digest_of
from reconciler.model.plan import Action

URL = "https://lms.example.edu/quiz/1"
OVER, AHEAD = "2026-08-31T17:00:00.000Z", "2026-12-01T17:00:00.000Z"


def body(title="Final", url="N/A", **configuration):
    """A body whose title, URL and configuration are given."""
    return {**payload(title, **configuration), "url": url}


def held(**bodies):
    """Entries by address, each of its body."""
    return {
        at: entry(number, exam(at, one)) for number, (at, one) in enumerate(sorted(bodies.items()), start=1)
    }


FULL = body("Final", URL, apiExamId="q-1", examCloseDate=AHEAD, duration=60)
EDITS = {
    "nothing": FULL,
    "title": {**FULL, "title": "Final Exam"},
    "url": {**FULL, "url": "https://lms.example.edu/quiz/2"},
    "no url any more": {**FULL, "url": "N/A"},
    "description": {**FULL, "description": "Bring a pencil."},
    "duration": body("Final", URL, apiExamId="q-1", examCloseDate=AHEAD, duration=90),
    "window": body("Final", URL, apiExamId="q-1", examCloseDate="2026-12-02T17:00:00.000Z", duration=60),
    "apiExamId": body("Final", URL, apiExamId="q-2", examCloseDate=AHEAD, duration=60),
    "title and url": {**FULL, "title": "Final Exam", "url": "https://lms.example.edu/quiz/2"},
    "type": {**FULL, "type": "Written"},
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("is_in_doubt", [False, True])
def test_an_address_and_a_field_changed_in_one_commit(edit, is_in_doubt):
    """What is created, or in doubt, is not created again under a new address, whatever else was edited."""
    known = (
        state(intents={"old": intent("1", exam("old", FULL))})
        if is_in_doubt
        else state({"old": entry(1, exam("old", FULL))})
    )
    plan = planned(declaring(exam("new", EDITS[edit])), known)
    assert guard(plan, "same-exam").addresses == ("new", "old")
    assert "moved: [{from: old, to: new}]" in guard(plan, "same-exam").hint
    assert "distinct: [{exam: new, from: old}]" in guard(plan, "same-exam").hint
    assert ("removed: [{exam: old}]" in guard(plan, "same-exam").hint) is not is_in_doubt
    remedies = guard(plan, "same-exam").remedies
    assert len(remedies) == (3 if is_in_doubt else 4)
    assert all(remedy.startswith("If ") for remedy in remedies)
    healed = planned(declaring(exam("new", EDITS[edit]), moved=moves(("old", "new"))), known)
    assert codes(healed) == []
    assert Action.CREATE not in actions(healed).values()


@pytest.mark.parametrize(
    ("course", "install", "fires"),
    [(COURSE, OTHER_INSTALL, True), (OTHER_COURSE, OTHER_INSTALL, False)],
)
def test_a_course_is_one_in_every_install(course, install, fires):
    """Title and URL count within a course, `apiExamId` within an install; neither where both are others."""
    known = state({"old": entry(1, exam("old", FULL))})
    plan = planned(declaring(exam("new", FULL, course=course, install=install)), known)
    assert codes(plan) == (["same-exam"] if fires else [])


def test_one_api_exam_id_in_one_install_is_one_exam():
    """Also where the course was changed together with the address."""
    known = state({"old": entry(1, exam("old", FULL))})
    plan = planned(declaring(exam("new", FULL, course=OTHER_COURSE)), known)
    assert "new has the install and apiExamId of old" in guard(plan, "same-exam").message


@pytest.mark.parametrize(
    "title",
    [
        "FINAL exam",
        " Final \t Exam\n",
        "Final\u00a0Exam",
        "Final\u2003Exam",
        "Final\u3000Exam",
        "Final\u2800Exam",
        "Fi\u200bnal Exam",
        "Fi\u00adnal Exam\ufeff",
        "Final\u034f Exam\ufe0f",
        "\ufb01nal Exam",
        "\uff26\uff49\uff4e\uff41\uff4c Exam",
        "Final\u3164 Exam",
        "\u202eFinal Exam\u202c",
    ],
)
def test_titles_are_compared_as_people_see_them(title):
    """Case, spaces of any kind, wide letters, ligatures and what shows nothing make no second exam."""
    plan = planned(declaring(exam("new", body(title))), state(held(old=body("Final Exam"))))
    assert codes(plan) == ["same-exam"]
    assert codes(planned(declaring(exam("new", body(title)), exam("old", body("Final Exam"))))) == [
        "same-exam"
    ]


def test_accents_composed_or_not_are_one_title():
    """Straße is STRASSE, and é is é."""
    for one, other in [("Straße", "STRASSE"), ("\u00e9t\u00e9", "E\u0301TE\u0301"), ("\u01c5", "D\u017d")]:
        assert codes(planned(declaring(exam("a", body(one)), exam("b", body(other))))) == ["same-exam"]
    for one, other in [("Final 1", "Final 2"), ("Final", "Finals"), ("\u0424", "F"), ("Résumé", "Resume")]:
        assert codes(planned(declaring(exam("a", body(one)), exam("b", body(other))))) == []


@pytest.mark.parametrize(
    "url", ["N/A", "n/a", " N / A ", "n.a.", "NA", "None", "", "-", "\uff2e/\uff21", "TBD", "\u200b"]
)
def test_no_url_is_shared_by_none(url):
    """However it is spelt that there is none; the same goes for `apiExamId`."""
    known = state(held(old=body("Midterm", url, apiExamId=url)))
    assert codes(planned(declaring(exam("new", body("Final", url, apiExamId=url))), known)) == []


@pytest.mark.parametrize(
    "url",
    [
        f"{URL}/",
        f" {URL} ",
        "HTTPS://LMS.Example.edu/quiz/1",
        "http://lms.example.edu/quiz/1",
        "https://lms.example.edu:443/quiz/1",
        "lms.example.edu/quiz/1",
        f"{URL}#",
        f"{URL}\u200b",
        "//lms.example.edu/quiz/1",
        "https://lms.example.edu./quiz/1",
        "https://lms.example.edu:/quiz/1",
        "https://lms.example.edu:0443/quiz/1",
        "https://lms.example.edu/%71uiz/%31",
        "https://lms.example.edu/quiz%E2%80%8B/1",
        "https://lms.example.edu/./quiz//1",
        "https://lms.example.edu/course/7/../../quiz/1/",
    ],
)
def test_one_quiz_is_one_url(url):
    """Scheme, case of the host, its usual port, a last slash and how it is encoded make no other quiz."""
    known = state(held(old=body("Midterm", URL)))
    assert codes(planned(declaring(exam("new", body("Final", url))), known)) == ["same-exam"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://b\u00fccher.example/1", "https://XN--bcher-kva.example/1"),
        ("https://lms.example.edu/\u00fcbung 1", "https://lms.example.edu/u%CC%88bung%201"),
        ("https://lms.example.edu/%fc", "https://lms.example.edu/%FC"),
        ("https://xn--/1", "http://xn--/1"),
    ],
)
def test_letters_of_a_url_in_two_forms(one, other):
    """A host in its xn-- form and letters as percent codes are the same to people."""
    known = state(held(old=body("Midterm", one)))
    assert codes(planned(declaring(exam("new", body("Final", other))), known)) == ["same-exam"]


@pytest.mark.parametrize(
    "nothing", ["nil", "Unknown", "not available", "https://", "https://n/a", "http://TBD/", "TBC", "#"]
)
def test_ways_of_writing_that_there_is_no_url(nothing):
    """Exams do not share what is written for want of a URL."""
    known = state(held(old=body("Midterm", nothing)))
    assert codes(planned(declaring(exam("new", body("Final", nothing))), known)) == []


@pytest.mark.parametrize("same", ["q-1\u200b", "\u2060q-1 ", "q\u00ad-1", "\uff51-1", "q-1\u2065"])
def test_invisible_characters_make_no_other_id(same):
    """An `apiExamId` is compared as people see it, but for its case."""
    known = state(held(old=body("Midterm", apiExamId="q-1")))
    assert codes(planned(declaring(exam("new", body("Final", apiExamId=same))), known)) == ["same-exam"]
    other = body("Final", apiExamId=same.upper())
    assert codes(planned(declaring(exam("new", other)), known)) == []


@pytest.mark.parametrize("invisible", ["\u2065", "\ufff0", "\U000e0000", "\U000e0fff", "\U0001d159"])
def test_what_shows_nothing_makes_no_other_title(invisible):
    """Whatever fonts leave out is left out."""
    known = state(held(old=body("Final")))
    plan = planned(declaring(exam("new", body(f"Fi{invisible}nal"))), known)
    assert codes(plan) == ["same-exam"]


@pytest.mark.parametrize(
    "url", [f"{URL}2", "https://lms.example.edu/Quiz/1", f"{URL}?attempt=2", "http://[", 17, None]
)
def test_another_quiz_is_another_url(url):
    """Paths and queries count as they are written, and what is no URL makes no exception."""
    known = state(held(old=body("Midterm", URL)))
    assert codes(planned(declaring(exam("new", body("Final", url))), known)) == []


def test_cross_listed_courses_share_a_title():
    """The same title and URL in another course is another exam; so is one without a title."""
    declared = declaring(
        exam("a", body("Final", URL)), exam("b", body("Final", URL), course=OTHER_COURSE), exam("c", {})
    )
    assert codes(planned(declared, state({"d": entry(1, exam("d", {}))}))) == []


def test_an_extra_time_twin_shares_its_quiz():
    """One URL and one `apiExamId` in two declarations are no reason to refuse, in doubt or not."""
    final, twin = exam("final", FULL), exam("final-xt", {**FULL, "title": "Final, extra time"})
    assert codes(planned(declaring(final, twin))) == []
    assert codes(planned(declaring(final, twin), state(held(final=FULL)))) == []
    plan = planned(declaring(final, twin), state(intents={"final": intent("1", final)}))
    assert (codes(plan), actions(plan)) == ([], {"final": Action.IN_DOUBT, "final-xt": Action.CREATE})


def test_a_make_up_needs_its_own_title():
    """A second sitting with the title of the first is refused until `distinct` says so."""
    exams = exam("final", FULL), exam("final-b", {**FULL, "url": "N/A"})
    plan = planned(declaring(*exams), state(held(final=FULL)))
    assert guard(plan, "same-exam").addresses == ("final", "final-b")
    assert (
        codes(planned(declaring(*exams, distinct=tells_apart(("final-b", "final"))), state(held(final=FULL))))
        == []
    )


@pytest.mark.parametrize(("closes", "fires"), [(OVER, False), (AHEAD, True), (None, True), ("soon", True)])
def test_quiz_1_of_last_term_is_no_candidate(closes, fires):
    """In one course shell each term has its Quiz 1: an orphan whose window has closed resembles none."""
    old = body("Quiz 1", URL, apiExamId="q", examCloseDate=closes)
    plan = planned(declaring(exam("2032sp/quiz-1", {**old, "configuration": {}})), state(held(old=old)))
    assert codes(plan) == (["same-exam"] if fires else [])


def test_a_doubt_whose_window_has_closed_may_still_exist():
    """Only a person can tell what became of it."""
    old = exam("old", body("Quiz 1", URL, examCloseDate=OVER))
    plan = planned(declaring(exam("new", body("Quiz 1", URL))), state(intents={"old": intent("1", old)}))
    assert codes(plan) == ["same-exam"]


def test_a_doubt_that_is_declared_as_it_was_sent_waits_by_itself():
    """What its own address still declares holds nothing else up; what it declares no more does."""
    sent = exam("a", FULL)
    known = state(intents={"a": intent("1", sent)})
    twin = exam("b", {**FULL, "title": "Other"})
    assert codes(planned(declaring(sent, twin), known)) == []
    assert codes(planned(declaring(exam("a", {**FULL, "description": "New."}), twin), known)) == []
    edited = exam("a", {**FULL, "url": "N/A"})
    plan = planned(declaring(edited, twin), known)
    assert "b has the course and URL of a, which is in doubt" in guard(plan, "same-exam").message
    assert "moved:" not in guard(plan, "same-exam").hint
    assert "state mv" not in guard(plan, "same-exam").hint


def test_a_doubt_that_moved_waits_at_its_new_address():
    """Its own declaration is the one that it moved to."""
    known = state(intents={"old": intent("1", exam("old", FULL))})
    declared = declaring(
        exam("new", FULL), exam("twin", {**FULL, "title": "Other"}), moved=moves(("old", "new"))
    )
    plan = planned(declared, known)
    assert (codes(plan), actions(plan)["twin"]) == ([], Action.CREATE)


def test_an_address_that_is_used_again_for_another_exam():
    """An exam went to a new address and another took its old one: nothing declares what was created."""
    known = state(held(a=body("Midterm", URL)))
    declared = declaring(exam("a", body("Quiz 7")), exam("b", body("Midterm", URL)))
    plan = planned(declared, known)
    found = guard(plan, "same-exam")
    assert found.addresses == ("a", "b")
    assert (
        "b has the course and URL of a, which was created with it and is declared otherwise now"
        in found.message
    )
    assert "moved:" not in found.hint
    assert "run `reconciler state mv a b`" in found.hint
    told = replace(declared, distinctions=tells_apart(("b", "a")))
    assert codes(planned(told, known)) == []


def test_a_swap_of_titles_creates_nothing():
    """Two exams that exist and exchange their titles are two changes; no create resembles them."""
    known = state(held(a=body("One"), b=body("Two")))
    plan = planned(declaring(exam("a", body("Two")), exam("b", body("One"))), known)
    assert (codes(plan), set(actions(plan).values())) == ([], {Action.CHANGED})


def test_what_moved_is_at_its_new_address():
    """Of a chain of moves only what still remains to be created is compared."""
    known = state(held(a=FULL))
    declared = declaring(exam("c", {**FULL, "title": "Else"}), moved=moves(("a", "b"), ("b", "c")))
    assert (codes(planned(declared, known)), actions(planned(declared, known))) == ([], {"c": Action.MOVE})
    nowhere = declaring(exam("new", FULL), moved=moves(("a", "left")))
    assert "moved: [{from: left, to: new}]" in guard(planned(nowhere, known), "same-exam").hint


def test_an_import_creates_nothing():
    """What is imported is compared with nothing, and excuses the one that shares its title; but no third."""
    one, two, three = exam("a", body("Final")), exam("b", body("Final", URL)), exam("c", body("Final"))
    declared = declaring(one, two, imports=[adopts("a", 1)])
    assert codes(planned(declared)) == []
    assert codes(planned(declared, state({"a": entry(1, one)}))) == []
    third = guard(planned(declaring(one, two, three, imports=[adopts("a", 1)])), "same-exam")
    assert third.addresses == ("b", "c")


def test_an_import_of_what_is_declared_no_more_is_an_orphan():
    """A doubt that an import settles as created is not created again under a new address."""
    known = state(intents={"old": intent("1", exam("old", FULL))})
    plan = planned(declaring(exam("new", FULL), imports=[adopts("old", 1)]), known)
    assert actions(plan) == {"new": Action.CREATE, "old": Action.IMPORT}
    assert guard(plan, "same-exam").addresses == ("new", "old")
    here = planned(
        declaring(exam("new", FULL), imports=[adopts("old", 1)], moved=moves(("old", "new"))), known
    )
    assert (codes(here), actions(here)) == ([], {"new": Action.IMPORT})


def test_an_import_by_a_former_address_excuses_too():
    """It follows `moved`, by name and by globs, as everywhere."""
    declared = declaring(
        exam("n/a", body("Final")),
        exam("n/b", body("Final", URL)),
        imports=[adopts("o/a", 1)],
        moved=moves(("o/*", "n/*")),
    )
    plan = planned(declared)
    assert (codes(plan), actions(plan)) == ([], {"n/a": Action.IMPORT, "n/b": Action.CREATE})


def test_exams_that_exist_share_what_they_like():
    """Nothing is refused where neither of the two is to be created."""
    one, two = exam("a", FULL), exam("b", {**FULL, "description": "Other"})
    assert codes(planned(declaring(one, two), state({"a": entry(1, one), "b": entry(2, two)}))) == []


def test_distinct_is_named_in_full_for_what_state_has():
    """Globs tell declared exams apart; an orphan or a doubt is not theirs to tell."""
    declared = declaring(exam("t/a", body("Final")), exam("t/b", body("Final")))
    assert codes(planned(declared)) == ["same-exam"]
    for pair in [("t/a", "t/b"), ("t/b", "t/a"), ("t/*", "t/*"), ("*", "t/b"), ("t/?", "t/a")]:
        assert codes(planned(replace(declared, distinctions=tells_apart(pair)))) == []
    for pair in [("t/a", "t/c"), ("x/*", "t/*"), ("t/a", "t/?/*")]:
        assert codes(planned(replace(declared, distinctions=tells_apart(pair)))) == ["same-exam"]
    known = state(held(old=body("Final")))
    alone = declaring(exam("t/a", body("Final")))
    for pair in [("*", "*"), ("t/a", "*"), ("*", "old")]:
        assert codes(planned(replace(alone, distinctions=tells_apart(pair)), known)) == ["same-exam"]
    for pair in [("t/a", "old"), ("old", "t/a")]:
        assert codes(planned(replace(alone, distinctions=tells_apart(pair)), known)) == []


def test_what_a_glob_lets_through_is_told():
    """A `distinct` of many, left in place, never hides that an exam is about to be there twice."""
    declared = declaring(
        exam("t/a", body("Final")),
        exam("t/b", body("FINAL")),
        exam("t/c", body("Else")),
        distinct=tells_apart(("t/*", "*"), ("x/*", "t/*")),
    )
    known = state(held(**{"t/a": body("Final")}))
    (note,) = (one for one in planned(declared, known).notes if one.code == "told-apart")
    assert note.message.startswith("t/a and t/b have one course and title")
    assert {"t/a", "t/b"} <= set(note.addresses)
    both = {**held(**{"t/a": body("Final"), "t/b": body("FINAL")})}
    assert [one for one in planned(declared, state(both)).notes if one.code == "told-apart"] == []


def test_distinct_follows_moves():
    """An exam that was told apart, and renamed since, stays told apart: blocks are safe to leave in place."""
    declared = declaring(
        exam("final-2", body("Final")),
        exam("other", body("Final")),
        moved=moves(("final", "final-2")),
        distinct=tells_apart(("final", "other")),
    )
    assert codes(planned(declared)) == []


def test_a_removal_names_the_orphan():
    """What state is to forget resembles none; by a glob it is not covered, as a create resembles it."""
    known = state(held(**{"old/a": FULL}))
    assert codes(planned(declaring(exam("new", FULL), removed=removes("old/a")), known)) == []
    plan = planned(declaring(exam("new", FULL), removed=removes("old/*")), known)
    assert (codes(plan), actions(plan)["old/a"]) == (["same-exam"], Action.ORPHANED)


def test_every_pair_is_told_and_each_orphan_moves_once():
    """The hint pastes: no address moves to two, or twice."""
    known = state(held(**{"old/1": FULL, "old/2": FULL}))
    plan = planned(declaring(*(exam(at, {**FULL, "title": at}) for at in "xyz")), known)
    found = guard(plan, "same-exam")
    assert found.addresses == ("old/1", "old/2", "x", "y", "z")
    assert "moved: [{from: old/1, to: x}, {from: old/2, to: y}]`" in found.hint
    assert found.message.endswith("; and 1 more")


def test_a_hint_about_thousands_can_be_read():
    """It shows how a block begins, and says how many more there are."""
    known = state({f"o/{number}": entry(number, exam(f"o/{number}")) for number in range(100)})
    renamed = declaring(*(exam(f"n/{number}", exam(f"o/{number}").payload) for number in range(100)))
    found = guard(planned(renamed, known), "same-exam")
    assert found.hint.count("]` and 75 more like these (globs name many at once)") == 3
    assert len(found.addresses) == 200


def test_suggested_blocks_are_text_to_yaml():
    """An address that YAML would read as a number or a boolean is suggested in quotes."""
    plan = planned(declaring(exam("true", FULL)), state({"1.5": entry(1, exam("1.5", FULL))}))
    assert 'moved: [{from: "1.5", to: "true"}]' in guard(plan, "same-exam").hint
    assert 'distinct: [{exam: "true", from: "1.5"}]' in guard(plan, "same-exam").hint


def test_what_a_conflicting_move_is_about_is_told_by_that_guard():
    """Nobody is told to make the move that cannot be made."""
    declared = declaring(exam("new", FULL), moved=moves(("a", "new"), ("b", "new")))
    assert codes(planned(declared, state(held(a=FULL, b=FULL)))) == ["move-conflict"]


@pytest.mark.parametrize("spread", [True, False])
def test_ten_thousand_alike_are_planned_in_linear_time(spread):
    """Orphans, creates and `distinct` are looked up, never compared pair by pair."""
    count = 10_000
    names = [f"n/{number}" for number in range(count)]
    bodies = {name: body(f"Quiz {name}" if spread else "Quiz", URL) for name in names}
    declared = declaring(*(exam(name, bodies[name]) for name in names), distinct=tells_apart(("n/*", "n/*")))
    known = state(
        {f"o/{number}": entry(number, exam(f"o/{number}", body("Quiz"))) for number in range(count)}
    )
    began = time.process_time()
    plan = planned(declared, known, max_creates=count)
    assert time.process_time() - began < 5
    assert codes(plan) == ([] if spread else ["same-exam"])
    assert codes(planned(declared, max_creates=count)) == []


@pytest.mark.parametrize("configuration", [None, [], "text", {"apiExamId": ["q"]}])
def test_odd_payloads_of_a_state_make_no_exception(configuration):
    """State may hold what an older version, or a person, wrote."""
    odd = {"title": ["Final"], "url": {"a": 1}, "configuration": configuration}
    known = state({"old": replace(entry(1, exam("old", odd)), digest=digest_of(odd))})
    assert codes(planned(declaring(exam("new", odd)), known)) == []


@pytest.mark.parametrize("course", [OTHER_COURSE, COURSE])
def test_an_exam_stays_in_its_course_and_install(course):
    """Declared for another course or install it would be another exam, which needs an address of its own."""
    install = OTHER_INSTALL if course == COURSE else exam("a").install_sid
    known = state(created("cs101/final", "cs101/final-2"))
    plan = planned(declaring(exam("cs101/final", course=course, install=install), "cs101/final-2"), known)
    found = guard(plan, "other-course")
    assert found.addresses == ("cs101/final",)
    assert "cs101/final-3 in place of cs101/final" in found.hint
    assert (OTHER_COURSE if course == OTHER_COURSE else OTHER_INSTALL) in found.message
    assert actions(plan)["cs101/final"] is Action.CHANGED


def test_other_course_proposes_addresses_that_can_be():
    """One for each, at most 128 characters long, also for what has moved."""
    long = "a" * 125 + "/bc"
    known = state({**created(long, "old"), "a-2": entry(7, exam("a-2"))})
    declared = declaring(
        exam(long, course=OTHER_COURSE),
        exam("a", exam("old").payload, course=OTHER_COURSE),
        moved=moves(("old", "a")),
    )
    hint = guard(planned(declared, known), "other-course").hint
    assert f"a-3 in place of a; {'a' * 125}-2 in place of {long}" in hint


def test_other_course_holds_up_only_its_own_target():
    """A plan that is narrowed to other exams goes on."""
    known, declared = state(created("a")), declaring(exam("a", course=OTHER_COURSE), "b")
    assert codes(planned(declared, known, targets=["b"])) == []
    assert codes(planned(declared, known, targets=["a"])) == ["other-course"]


def test_a_doubt_in_another_course_waits():
    """Nobody knows whether it exists; what is declared beside it goes on."""
    known = state(intents={"a": intent("1", exam("a"))})
    plan = planned(declaring(exam("a", course=OTHER_COURSE), "b"), known)
    assert (codes(plan), actions(plan)) == ([], {"a": Action.IN_DOUBT, "b": Action.CREATE})


def test_the_moment_decides_what_is_over():
    """A window that closes at this very moment is over."""
    old = body("Quiz 1", examCloseDate=NOW.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
    assert codes(planned(declaring(exam("new", body("Quiz 1"))), state(held(old=old)))) == []
