"""The root page, as a browser gets it."""

import base64
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser

import httpx

from reconciler.sandbox.ledger import CreatedExam
from reconciler.sandbox.page import render_page
from reconciler.sandbox.running import RunningSandbox

Create = Callable[..., httpx.Response]
HOSTILE = "<script>alert('1')</script>\"><img src=x onerror=alert(2)>&amp;"


class Reading(HTMLParser):
    """Collects a page's tags, and its text as a person reads it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag, and any attribute that runs code."""
        self.tags += [tag, *(name for name, _ in attrs if name.startswith("on"))]

    def handle_data(self, data: str) -> None:
        """Note the text."""
        self.text += data


def test_empty_page_says_what_to_do(client: httpx.Client) -> None:
    """Before the first exam the page tells how to get one."""
    reply = client.get("/")
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert "0 exams created, 0 requests received" in reply.text
    assert "<code>--api-url</code>" in reply.text


def test_page_lists_newest_first(client: httpx.Client, create: Create, sandbox: RunningSandbox) -> None:
    """Each exam has its SID, title, course, windows and time, the newest on top."""
    create(title="First")
    create(title="Second", configuration={"scheduleOpenDate": "2031-09-01T12:00:00.000Z"})
    text = Reading(client.get("/").text).text
    assert "2 exams created, 2 requests received" in text
    assert text.index("Second") < text.index("First")
    for exam in sandbox.created:
        assert exam["sid"] in text
        assert exam["courseSid"] in text
        assert exam["createdDate"][11:16] in text
    assert "2031-10-06 13:00 UTC to2031-10-08 21:00 UTC" in text
    assert "2031-09-01 12:00 UTC tonone" in text


def test_hostile_title_is_text(client: httpx.Client, create: Create) -> None:
    """A title full of markup is shown as it is, and adds no element to the page."""
    create(title="harmless")
    plain = Reading(client.get("/").text).tags
    create(title=HOSTILE)
    reading = Reading(client.get("/").text)
    assert HOSTILE in reading.text
    assert set(reading.tags) == set(plain)


def test_faults_in_force_are_shown_escaped(client: httpx.Client, sandbox: RunningSandbox) -> None:
    """Whoever looks at the page is told that it misbehaves."""
    sandbox.misbehave("no-sid:title=<b>*")
    page = client.get("/").text
    assert "no-sid:title=&lt;b&gt;*" in page
    assert "<b>" not in page


def test_policy_allows_the_style_and_nothing_else(client: httpx.Client) -> None:
    """The policy's hash is that of the page's own style sheet."""
    reply = client.get("/")
    policy = reply.headers["content-security-policy"]
    style = re.search(r"<style>(.*?)</style>", reply.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    assert "unsafe" not in policy
    assert "prefers-color-scheme: dark" in style[1]


def test_password_is_not_on_the_page(client: httpx.Client, create: Create) -> None:
    """The page and the list hold no password."""
    create()
    assert "hush-hush" not in client.get("/").text + client.get("/exams.json").text


def test_only_the_newest_thousand_are_shown() -> None:
    """A page of very many exams still opens, and says where the older ones are."""
    exams = [
        CreatedExam(
            sid=f"EX{number}", application_install_sid="AI", course_sid="CU", created_date="", body={}
        )
        for number in range(1002)
    ]
    page = render_page(exams, [], 1002)
    assert "EX1001<" in page
    assert "EX2<" in page
    assert "EX1<" not in page
    assert '2 older exams: <a href="/exams.json">all of them</a>' in page
    assert "older" not in render_page(exams[:1000], [], 1000)
