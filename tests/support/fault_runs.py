"""Two applies of many exams, each with a connection fault of its own, chosen by its course."""

from types import SimpleNamespace

from exam_workspace import MANIFEST, Workspace, exam
from raw_server import raw_server


def apply_twice(
    root, faults, *, course_of=lambda conversation: conversation.peek_course(), trust=None, **options
):
    """Apply twice with one exam for each of `faults`; return reports, requests and the state.

    Each fault is called with the connection of its exam. `course_of` returns the course of a connection;
    `options` are those of `RawServer`.
    """
    workspace = Workspace(root)
    workspace.variables |= trust or {}
    workspace.run("init")
    names = {f"CU{number:032x}": name for number, name in enumerate(faults, 1)}
    workspace.write(MANIFEST + "".join(_declared(name, course) for course, name in names.items()))
    seen = {}

    def converse(conversation):
        if not (course := course_of(conversation)):
            return  # a connection that was opened and not used
        name = names[course]
        seen.setdefault(name, []).append(conversation)
        faults[name](conversation)

    with raw_server(converse, **options) as server:
        arguments = (server.url, "--timeout", "1", "--parallelism", "20")
        first = workspace.apply(*arguments, expect=3)
        after_first = server.sent_courses()
        second = workspace.apply(*arguments, expect=3)
        return SimpleNamespace(
            first={exam["address"][3:]: exam for exam in first["exams"]},
            second={exam["address"][3:]: exam for exam in second["exams"]},
            after_first=[names[course] for course in after_first],
            after_second=[names[course] for course in server.sent_courses()],
            said={name: sum(one.sent for one in given) for name, given in seen.items()},
            sids={name: given[0].sid for name, given in seen.items()},
            state=workspace.state,
        )


def _declared(name, course):
    return exam(name).replace("course: cs", f"courseSid: {course}")
