"""What a network does to requests and answers: one meaning each, nothing sent twice, nobody else's answer.

Every exam of one run meets a fault of its own, chosen by its course: the others of the run are the proof that
one exam's fault is no other's.
"""

import contextlib
import gzip
import json
import zlib

import fault_runs
import pytest
from exam_workspace import MANIFEST, SECRET, Workspace, exam
from raw_server import answer_well, ok, raw_server

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
SAID_MOST_BYTES = 11_000_000  # four MiB and what the buffers of two sockets hold


def chunks(*parts):
    """A chunked body."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))


def bomb(times):
    """Zeros for some 100 MiB, compressed so many times over."""
    data = gzip.compress(bytes(100_000_000))
    for _ in range(times - 1):
        data = gzip.compress(data)
    return data


def after_request(act):
    """A conversation that reads the request to its end first."""

    def converse(conversation):
        if conversation.read_request():
            act(conversation)

    return converse


def saying(answer):
    """A conversation that reads the request and says `answer`, made from the body of a good one."""
    return after_request(lambda conversation: conversation.send(answer(conversation.exam)))


def and_half_closes(conversation):
    """A good answer, then the end of what the server says, while it still listens."""
    conversation.send(ok(conversation.exam))
    conversation.half_close()


def before_the_body(answer):
    """A conversation that answers once it has seen the head of a request, and only then reads the rest."""

    def converse(conversation):
        if conversation.read_head():
            conversation.send(answer(conversation.exam))
            conversation.half_close()

    return converse


CREATED = {
    "100-continue": saying(lambda body: b"HTTP/1.1 100 Continue\r\n\r\n" + ok(body)),
    "102-and-103": saying(
        lambda body: (
            b"HTTP/1.1 102 Processing\r\n\r\n" * 3
            + b"HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n"
            + ok(body)
        )
    ),
    "http-1.0-ends-by-closing": saying(lambda body: b"HTTP/1.0 200 OK\r\n\r\n" + body),
    "http-1.1-ends-by-closing": saying(lambda body: b"HTTP/1.1 200 OK\r\n\r\n" + body),
    "status-line-without-reason": saying(lambda body: ok(body).replace(b" OK", b"", 1)),
    "chunked": saying(lambda body: CHUNKED + chunks(body[:9], body[9:])),
    "length-and-chunked": saying(
        lambda body: CHUNKED.replace(b"\r\n\r\n", b"\r\ncontent-length: 7\r\n\r\n") + chunks(body)
    ),
    "same-length-twice": saying(lambda body: ok(body, headers=b"content-length: %d\r\n" % len(body))),
    "folded-header": saying(lambda body: ok(body, headers=b"x-long: one\r\n  two\r\n")),
    "gzip": saying(lambda body: ok(gzip.compress(body), headers=b"content-encoding: gzip\r\n")),
    "deflate": saying(lambda body: ok(zlib.compress(body), headers=b"content-encoding: deflate\r\n")),
    "half-close-after-answer": after_request(and_half_closes),
    "answer-before-body": before_the_body(ok),
    "more-behind-the-answer": saying(lambda body: ok(body) + b"\0" * 1000),
}

FAILED = {
    "413-before-body": before_the_body(lambda _: b"HTTP/1.1 413 Too Large\r\nconnection: close\r\n\r\n"),
    "400-cut": saying(lambda _: b"HTTP/1.1 400 Bad Request\r\ncontent-length: 500\r\n\r\ntitle?"),
}


def reset_unread(conversation):
    """The request waits in our buffer, and is thrown away with the connection."""
    conversation.peek_course()
    conversation.reset()


def closed_unread(conversation):
    """As above, in the way of a process that ends."""
    conversation.peek_course()


def reset_in_the_head(conversation):
    """A few bytes were read."""
    conversation.socket.recv(100)
    conversation.reset()


IN_DOUBT = {
    "204": saying(lambda _: b"HTTP/1.1 204 No Content\r\n\r\n"),
    "205": saying(lambda _: b"HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n"),
    "101-switch": saying(lambda body: b"HTTP/1.1 101 Switching\r\nupgrade: h2c\r\n\r\n" + ok(body)),
    "truncated": saying(lambda body: ok(body).replace(b"length: ", b"length: 9")),
    "cut-chunk": saying(lambda body: CHUNKED + b"ff\r\n" + body),
    "cut-before-last-chunk": saying(lambda body: CHUNKED + chunks(body)[:-5]),
    "garbage-chunk-length": saying(lambda body: CHUNKED + b"zz\r\n" + body),
    "negative-chunk-length": saying(lambda body: CHUNKED + b"-1\r\n" + body),
    "huge-chunk-length": saying(lambda body: CHUNKED + b"f" * 50 + b"\r\n" + body),
    "gzip-damaged": saying(
        lambda body: ok(gzip.compress(body)[:-12] + b"\0" * 12, headers=b"content-encoding: gzip\r\n")
    ),
    "gzip-cut": saying(lambda body: ok(gzip.compress(body)[:-9], headers=b"content-encoding: gzip\r\n")),
    "gzip-bomb": saying(lambda _: ok(bomb(1), headers=b"content-encoding: gzip\r\n")),
    "gzip-bomb-in-a-bomb": saying(lambda _: ok(bomb(2), headers=b"content-encoding: gzip, gzip\r\n")),
    "deflate-bomb": saying(
        lambda _: ok(zlib.compress(bytes(100_000_000)), headers=b"content-encoding: deflate\r\n")
    ),
    "unknown-encoding": saying(lambda body: ok(body, headers=b"content-encoding: br\r\n")),
    "two-lengths": saying(lambda body: ok(body, headers=b"content-length: 5\r\n")),
    "negative-length": saying(lambda body: b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n" + body),
    "http-0.9": saying(lambda body: body),
    "http-2": saying(lambda body: b"HTTP/2 200\r\n\r\n" + body),
    "not-http": saying(lambda _: b"SSH-2.0-OpenSSH_9.2\r\n"),
    "no-such-status": saying(lambda body: ok(body).replace(b"200", b"42", 1)),
    "header-without-colon": saying(lambda body: ok(body, headers=b"nonsense\r\n")),
    "upper-case-sid": saying(lambda body: ok(body.upper().replace(b"SID", b"sid").replace(b"EX00", b"EXAB"))),
    "secret-in-the-status-line": saying(lambda _: SECRET.encode() + b" a.token.x\r\n"),
    "secret-in-a-chunk-length": saying(lambda _: CHUNKED + SECRET.encode() + b" a.token.x\r\n"),
    "closed": after_request(lambda _: None),
    "reset": after_request(lambda conversation: conversation.reset()),
    "half-closed": after_request(lambda conversation: conversation.half_close()),
    "silent": after_request(lambda conversation: conversation.ended.wait(20)),
    "trickling-head": after_request(
        lambda conversation: conversation.trickle(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 99_000)
    ),
    "trickling-body": after_request(
        lambda conversation: (
            conversation.send(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n"),
            conversation.trickle(b" "),
        )
    ),
    "reset-unread": reset_unread,
    "closed-unread": closed_unread,
    "reset-in-the-head": reset_in_the_head,
}
"""In doubt within a MiB of what the server says."""

FLOODS = {
    "50-MB": after_request(
        lambda conversation: (
            conversation.send(b"HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n"),
            conversation.flood(b" " * 65536, most=50_000_000),
        )
    ),
    "endless-body": after_request(
        lambda conversation: (
            conversation.send(b"HTTP/1.1 200 OK\r\n\r\n"),
            conversation.flood(b" " * 65536),
        )
    ),
    "endless-chunks": after_request(
        lambda conversation: (conversation.send(CHUNKED), conversation.flood(chunks(b" " * 4096)[:-5]))
    ),
    "many-headers": after_request(
        lambda conversation: (
            conversation.send(b"HTTP/1.1 200 OK\r\n"),
            conversation.flood(b"x: " + b"y" * 100 + b"\r\n"),
        )
    ),
    "endless-header": after_request(
        lambda conversation: (conversation.send(b"HTTP/1.1 200 OK\r\nx: "), conversation.flood(b"y" * 65536))
    ),
    "endless-status-line": after_request(lambda conversation: conversation.flood(b"HTTP/1.1 200 " * 5000)),
}

ALL = CREATED | FAILED | IN_DOUBT | FLOODS


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """What two applies made of all faults at once."""
    return fault_runs.apply_twice(tmp_path_factory.mktemp("network"), ALL, buffer_bytes=65536)


@pytest.mark.parametrize("name", CREATED)
def test_an_odd_but_whole_answer_creates(runs, name):
    """Proxies may write HTTP in their own way: the SID is taken, once, and it is this request's."""
    assert runs.first[name]["outcome"] == "created"
    assert runs.state["exams"][f"cs/{name}"]["sid"] == runs.sids[name]
    assert runs.after_second.count(name) == 1


@pytest.mark.parametrize("name", FAILED)
def test_a_refusal_counts_however_it_arrives(runs, name):
    """The status line says that nothing was created, so the next apply sends the exam again."""
    assert runs.first[name]["outcome"] == "failed"
    assert runs.after_first.count(name) == 1
    assert runs.after_second.count(name) == 2
    assert f"cs/{name}" not in runs.state["intents"]


@pytest.mark.parametrize("name", [*IN_DOUBT, *FLOODS])
def test_what_cannot_be_known_is_in_doubt_and_sent_once(runs, name):
    """Not by a retry, not by the HTTP library, not by the next apply."""
    assert runs.first[name]["outcome"] == "in-doubt"
    assert runs.first[name]["sid"] is None
    assert f"cs/{name}" in runs.state["intents"]
    assert runs.after_second.count(name) == 1
    assert len(runs.first[name]["message"]) < 1000


@pytest.mark.parametrize("name", ["reset", "reset-in-the-head"])
def test_a_reset_is_told_in_the_words_of_the_system(workspace, name):
    """The HTTP library says nothing of it. A run of its own: among all faults a time limit may come first."""
    with raw_server(IN_DOUBT[name]) as server:
        report = workspace.apply(server.url, "--timeout", "30", expect=3)
    assert all("Connection reset by peer" in exam["message"] for exam in report["exams"])


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_is_not_read_to_its_end(runs, name):
    """The client hangs up after four MiB of body, or a tenth of one of header."""
    assert 0 < runs.said[name] < SAID_MOST_BYTES


BROKEN = [
    "truncated",
    "cut-chunk",
    "cut-before-last-chunk",
    "garbage-chunk-length",
    "gzip-cut",
    "unknown-encoding",
    "http-0.9",
    "http-2",
]


@pytest.mark.parametrize("name", BROKEN)
def test_a_sid_seen_in_a_broken_answer_is_kept(runs, name):
    """It is no outcome, but the person who settles the doubt looks there first."""
    assert runs.state["intents"][f"cs/{name}"]["answer"]["sids"] == [runs.sids[name]]
    assert runs.sids[name] in runs.first[name]["message"]


@pytest.fixture
def workspace(tmp_path):
    """A workspace with six exams and a state."""
    made = Workspace(tmp_path)
    made.run("init")
    made.declare(*"abcdef")
    return made


def apply_twice(workspace, server, *more, expect):
    """The outcomes and messages of an apply, after a second one that sent nothing for what is in doubt."""
    report = workspace.apply(server.url, "--timeout", "1", *more, expect=expect)
    sent = len(server.conversations)
    workspace.apply(server.url, "--timeout", "1", *more, expect=expect)
    assert len(server.conversations) == sent
    return {exam["address"][3:]: exam for exam in report["exams"]}


def sids_of(server):
    """The SID that the server meant for each title."""
    return {f"cs/{title}": one.sid for one in server.conversations for title in one.titles}


def sids_in(workspace):
    """The SID that state has for each address."""
    return {address: entry["sid"] for address, entry in workspace.state["exams"].items()}


AT_ONCE, SOON, WITH_THE_NEXT_REQUEST = "at once", "soon", "with the next request"


@pytest.mark.parametrize("when", [AT_ONCE, SOON, WITH_THE_NEXT_REQUEST])
@pytest.mark.parametrize("parallelism", ["1", "3"])
def test_a_second_answer_is_never_taken_for_that_of_another_exam(workspace, when, parallelism):
    """A server that answers each request twice, with another SID, gives nobody a SID of somebody else."""

    def converse(conversation):
        while conversation.read_request():
            for other in list(answered) if when is WITH_THE_NEXT_REQUEST else ():
                with contextlib.suppress(OSError):
                    other.send(strange(other))
            good = ok(conversation.exam, headers=b"connection: keep-alive\r\n")
            conversation.send(good + (strange(conversation) if when is AT_ONCE else b""))
            answered.append(conversation)
            if when is SOON:
                conversation.ended.wait(0.02)
                conversation.send(strange(conversation))

    def strange(conversation):
        return ok(b'{"sid": "%s"}' % conversation.sid.replace("EX0", "EXf").encode())

    answered = []
    with raw_server(converse) as server:
        workspace.apply(server.url, "--parallelism", parallelism)
        assert sorted(server.sent_titles()) == list("abcdef")
        assert sids_in(workspace) == sids_of(server)


@pytest.mark.parametrize("ending", ["FIN", "RST"])
@pytest.mark.parametrize("moment", ["before reading", "after reading"])
def test_a_kept_connection_closed_under_a_request_leaves_no_doubt(workspace, ending, moment):
    """A server promises to keep each connection and then closes it as the next request comes: none comes."""

    def converse(conversation):
        conversation.read_request()
        conversation.send(ok(conversation.exam, headers=b"keep-alive: timeout=60\r\n"))
        if conversation.peek_course() is not None:
            seconds.append(conversation)
            if moment == "after reading":
                conversation.read_request()
            if ending == "RST":
                conversation.reset()

    seconds = []
    with raw_server(converse) as server:
        workspace.apply(server.url, "--parallelism", "1")
        assert sorted(server.sent_titles()) == list("abcdef")
        assert len(server.conversations) == 6
    assert seconds == []


def test_a_sid_that_was_answered_before_is_in_doubt(workspace):
    """Two exams cannot be one: the first keeps the SID, and whoever settles the others is told of it."""

    def converse(conversation):
        conversation.read_request()
        conversation.send(ok(b'{"sid": "EX%s"}' % (b"ab" * 16)))

    with raw_server(converse) as server:
        exams = apply_twice(workspace, server, "--parallelism", "3", expect=3)
        assert sorted(server.sent_titles()) == list("abcdef")
    outcomes = [exam["outcome"] for exam in exams.values()]
    assert sorted(outcomes) == ["created"] + ["in-doubt"] * 5
    assert all("another exam's" in exam["message"] for exam in exams.values() if exam["outcome"] != "created")


def test_a_connection_that_was_accepted_may_have_carried_the_request(workspace):
    """A server that says at once that it will say nothing may still have read: in doubt."""
    with raw_server(lambda conversation: conversation.half_close()) as server:
        exams = apply_twice(workspace, server, expect=3)
        assert {exam["outcome"] for exam in exams.values()} == {"in-doubt"}
        assert len(server.conversations) == 6


def test_a_reset_on_accepting_is_not_sent_or_in_doubt_by_what_had_left(workspace):
    """It may meet us while connecting or while writing: the next apply sends exactly what had not left."""
    with raw_server(lambda conversation: conversation.reset()) as server:
        out, _ = workspace.start(
            "apply", "--auto-approve", "--format", "json", "--api-url", server.url
        ).communicate(timeout=60)
    by_outcome = {"in-doubt": [], "failed": []}
    for one in json.loads(out)["exams"]:
        by_outcome[one["outcome"]].append(one["address"][3:])
    assert sum(map(len, by_outcome.values())) == 6
    with raw_server(answer_well) as server:
        workspace.rebind(server.url)
        workspace.apply(server.url, expect=3 if by_outcome["in-doubt"] else 0)
        assert sorted(server.sent_titles()) == sorted(by_outcome["failed"])


def read_a_part_and_reset(conversation):
    """Some of a body that is larger than what systems buffer."""
    conversation.read_head()
    conversation.socket.recv(1000)
    conversation.reset()


def read_a_part_and_wait(conversation):
    """As above, of a server that hangs."""
    conversation.read_head()
    conversation.ended.wait(10)


@pytest.mark.parametrize(
    "converse", [read_a_part_and_reset, read_a_part_and_wait], ids=lambda found: found.__name__
)
def test_a_large_body_that_is_not_taken_is_in_doubt(workspace, converse):
    """The client was still writing: a part may be enough for a server to go by."""
    workspace.write(MANIFEST + exam("a", studentNotes="x" * 7_000_000))
    with raw_server(converse, buffer_bytes=4096) as server:
        exams = apply_twice(workspace, server, expect=3)
        assert exams["a"]["outcome"] == "in-doubt"
        assert len(server.sent_courses()) == 1
        assert len(server.conversations[0].received) < 7_000_000
