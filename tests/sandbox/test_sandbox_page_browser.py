"""The root page in a real browser: on a phone, on paper, in the dark, and by keyboard."""

from collections.abc import Callable, Iterator

import chromium
import httpx
import pytest
from playwright.sync_api import Browser, Page

from reconciler.sandbox.running import RunningSandbox

Create = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for all tests of this file."""
    with chromium.launched() as opened:
        yield opened


@pytest.fixture
def visit(browser: Browser, sandbox: RunningSandbox):
    """Opens the root page; the test fails if the page complained or asked for anything else."""
    complaints: list[str] = []
    contexts = []

    def open_page(width: int = 1280, **options) -> Page:
        contexts.append(browser.new_context(viewport={"width": width, "height": 800}, **options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(sandbox.url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def term(create: Create) -> None:
    """42 exams, some of whose titles are long."""
    for number in range(42):
        create(
            title=f"Exam {number} of the term{' with a long title' * (number % 3)}{'x' * (number % 2 * 40)}"
        )


@pytest.mark.usefixtures("term")
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_exam_is_off_the_screen(visit, width: int) -> None:
    """At no width does a reader scroll sideways; the body received opens within the page."""
    page = visit(width)
    page.locator("summary").first.click()
    assert page.locator("pre").first.is_visible()
    assert page.evaluate(chromium.OUTSIDE) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.usefixtures("term")
def test_a_phone_shows_cards(visit) -> None:
    """Below 900 pixels each value stands below the one before, after the name of its column."""
    page = visit(360)
    title, window = page.locator("tbody th").first.bounding_box(), page.locator("td:nth-child(3)").first
    box = window.bounding_box()
    assert box["x"] == title["x"]
    assert box["y"] > title["y"] + title["height"]
    assert window.evaluate("one => getComputedStyle(one, '::before').content") == '"Exam window"'


@pytest.mark.usefixtures("term")
@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_42_exams_fit_on_three_sheets(visit, paper: str) -> None:
    """In print all text is black, and bodies stay closed."""
    page = visit(color_scheme="dark")
    assert chromium.sheets(page, paper) <= 3
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(chromium.COLOURED) == []
    assert not page.locator("summary").first.is_visible()


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_bars_nobody(visit, create: Create, width: int) -> None:
    """Neither scheme breaks a rule of accessibility that axe can check, contrast included."""
    create()
    page = visit(width)
    page.locator("summary").first.click()
    assert chromium.barriers_in_both_schemes(page) == []


def test_a_body_opens_by_keyboard(visit, create: Create) -> None:
    """Tab goes to the body received, with its outline in sight, and Enter opens it."""
    create()
    page = visit(java_script_enabled=False)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("details[open] pre").is_visible()
    assert "hush-hush" not in page.content()
