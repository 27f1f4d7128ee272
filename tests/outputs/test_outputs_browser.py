"""The page of a plan in a real browser: it works, by hand and by keyboard, and runs nothing of a title's."""

from collections.abc import Iterator
from pathlib import Path

import chromium
import output_cases as cases
import page_cases
import pytest
from playwright.sync_api import Browser, Page

from reconciler.model.plan import Plan
from reconciler.outputs.html.page import plan_page
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.listing import Listing

PLANS = {
    "small": page_cases.small,
    "closed": lambda: page_cases.term(60, 10),
    "large": lambda: page_cases.term(2000),
    "crowded": lambda: page_cases.warned(page_cases.term(300, 1)),
    "special": page_cases.special,
    "clashing": page_cases.clashing,
    "every": cases.every_action,
    "year": page_cases.year,
    "paper": lambda: page_cases.warned(page_cases.term(42, 8)),
    "hostile": lambda: page_cases.hostile(60),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser without a window, which is closed after the last test."""
    with chromium.launched() as opened:
        yield opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Holds a page of each plan."""
    path = tmp_path_factory.mktemp("pages")
    for name, make in PLANS.items():
        write(make(), path / f"{name}.html")
    return path


def write(plan: Plan, path: Path) -> None:
    """`plan` as a page at `path`."""
    invocation = Invocation(("--env", "production"))
    text = plan_page(
        cases.in_environment(plan, "production"),
        listing=Listing.DIFFERING,
        invocation=invocation,
        provenance=page_cases.provenance(plan),
    )
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def visit(browser: Browser, folder: Path):
    """Opens the page of a plan; the test fails if a page complained, asked for anything, or ran a dialog."""
    complaints: list[str] = []
    contexts = []

    def open_page(name: str, width: int = 1280, **options) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog {dialog.message}"))
        page.on("request", lambda request: complaints.append(request.url) if request.url != address else None)
        address = (folder / f"{name}.html").as_uri()
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def rows(page: Page) -> list[str]:
    """The addresses of the exams that match, those of closed courses among them."""
    found: list[str] = page.eval_on_selector_all(
        "tbody[data-exam]:not([hidden])", "all => all.map(one => one.querySelector('th code').textContent)"
    )
    return found


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", ["small", "closed", "crowded", "hostile", "special", "year"])
def test_pages_bar_nobody(visit, name: str, width: int) -> None:
    """No page breaks a rule of accessibility that axe can check, contrast included, in either scheme."""
    page = visit(name, width)
    page.evaluate("document.querySelectorAll('.all details').forEach((one, at) => { one.open = at < 5; })")
    assert chromium.barriers_in_both_schemes(page) == []


def test_a_small_page_shows_every_exam_at_once(visit) -> None:
    """Five exams are open, each with its bar, and the stretch that two of them share is marked."""
    page = visit("small")
    assert len(rows(page)) == 5
    assert page.locator("details.course[open]").count() == 2
    assert page.locator("svg.lanes g .exam").count() == 5
    first, second = (page.locator("svg.lanes .exam").nth(number).bounding_box() for number in (0, 1))
    band = page.locator("svg.lanes .overlap").bounding_box()
    assert first["y"] + first["height"] <= second["y"]
    assert band["x"] == pytest.approx(second["x"], abs=1)
    assert band["x"] + band["width"] == pytest.approx(first["x"] + first["width"], abs=2)


def test_search_narrows_rows_bars_and_courses(visit) -> None:
    """Words in any order and case leave the exams that have them all; Escape brings the others back."""
    page = visit("small")
    page.fill("#search", "PRACTICAL programming")
    assert rows(page) == ["cs101/exam-0002"]
    assert page.locator("#shown").text_content() == "1 of 5 exams"
    assert page.locator("details.course:not([hidden])").count() == 1
    assert page.locator("svg.view g:not(.off)").count() == 1
    page.fill("#search", "no such exam")
    assert page.locator("#empty").is_visible()
    page.press("#search", "Escape")
    assert len(rows(page)) == 5
    assert page.locator("#empty").is_hidden()


def test_sections_are_found_with_what_their_exam_tells(visit) -> None:
    """A search looks at what sections share, too; an exam is hidden with its last, and so is a term."""
    page = visit("year")
    assert page.locator("details.course").count() == 4
    page.fill("#search", "practical 2032sp 002")
    assert rows(page) == ["002"]
    assert page.locator(".exams > tbody:visible").count() == 2
    assert page.locator(".term:visible").count() == 1
    assert page.locator("svg.view g:not(.off) .label").text_content() == "Lab Practical (3 sections)"
    page.press("#search", "Escape")
    assert page.locator(".term:visible").count() == 2
    page.click("[data-filter=changed]")
    assert rows(page) == ["001", "002", "003", "004"]
    assert page.locator(".exams > tbody:visible").count() == 5


def test_a_bar_of_sections_leads_to_the_first(visit) -> None:
    """Thirty sections with windows on three days are three bars; pointing at a section shows its own."""
    page = visit("year")
    course = page.locator("details.course", has_text="and 29 more")
    assert course.locator("svg.lanes g[data-exam]").count() == 3
    course.locator("svg.lanes g .exam").last.click()
    assert page.locator("tbody.pointed th code").text_content() == "002"
    course.locator("tbody.section th").nth(8).hover()
    assert page.locator("tbody.pointed th code").text_content() == "009"
    assert course.locator("svg.lanes g.pointed title").text_content() == "2032sp/cs101/midterm (10 sections)"


def test_filters_choose_actions_and_overlaps(visit) -> None:
    """Pressed buttons of actions add up, and that of overlaps narrows."""
    page = visit("small")
    page.click("[data-filter=changed]")
    assert rows(page) == ["cs101/exam-0003"]
    page.click("[data-filter=in-doubt]")
    assert rows(page) == ["cs101/exam-0003", "cs310/exam-0004"]
    assert page.get_attribute("[data-filter=changed]", "aria-pressed") == "true"
    page.click("[data-filter=changed]")
    page.click("[data-filter=in-doubt]")
    page.click("[data-filter=clash]")
    assert rows(page) == ["cs101/exam-0001", "cs101/exam-0002"]


def test_everything_can_be_done_by_keyboard(visit) -> None:
    """`/` goes to the search, Tab to filters and courses; Space and Enter use them, focus in sight."""
    page = visit("small")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.type("midterm")
    assert rows(page) == ["cs101/exam-0001"]
    page.keyboard.press("Escape")
    for action in ("in-doubt", "changed", "orphaned", "create"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.dataset.filter") == action
    page.keyboard.press("Space")
    assert len(rows(page)) == 2
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    while page.evaluate("document.activeElement.tagName") != "SUMMARY":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("details.course").first.get_attribute("open") is None


def test_a_large_page_is_an_overview_that_search_opens(visit) -> None:
    """2,000 exams are fifty closed courses with their bars on one scale, and a search opens what it finds."""
    page = visit("large")
    assert page.locator("details.course[open]").count() == 0
    assert page.locator("svg.strip").first.is_visible()
    assert page.locator(".ruler").is_visible()
    assert page.locator("#shown").text_content() == "2,000 exams"
    page.fill("#search", "c104/exam-0004")
    assert rows(page) == ["c104/exam-0004"]
    assert page.locator("details.course[open]").count() == 1
    page.fill("#search", "")
    assert page.locator("details.course[open]").count() == 0
    page.click("#fold")
    assert page.locator("details.course[open]").count() == 50
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_bar_leads_to_its_exam(visit) -> None:
    """A click on a bar shows the row of its exam."""
    page = visit("crowded")
    page.click("details.course > summary")
    bar = page.locator("svg.lanes g .exam").last
    bar.click()
    assert page.locator("tbody.pointed").count() == 1
    assert page.locator("tbody.pointed th").is_visible()
    top = page.evaluate("document.querySelector('tbody.pointed').getBoundingClientRect().top")
    assert 0 < top < 900


def test_hostile_texts_run_nothing(visit) -> None:
    """On a page of hostile texts no dialog opens, nothing is loaded, and each title is read as it is."""
    page = visit("hostile")
    page.click("#fold")
    page.click("#fold")
    assert page.locator("bdi", has_text="<img src=x onerror=alert(1)>").count() > 0
    assert page.locator("main img, main script, main a, header script").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_policy_stops_what_the_page_is_not(browser: Browser, folder: Path) -> None:
    """A script that gets into a page after all is refused by its policy."""
    text = (folder / "small.html").read_text(encoding="utf-8")
    path = folder / "harmed.html"
    path.write_text(
        text.replace("<main>", "<main><script>document.title = 'taken'</script>"), encoding="utf-8"
    )
    page = browser.new_page()
    refusals: list[str] = []
    page.on("console", lambda message: refusals.append(message.text))
    page.goto(path.as_uri())
    assert page.title() == "Exam plan for production"
    assert "Content Security Policy" in refusals[0]
    page.close()


def test_dark_and_light_differ_and_print_is_light(visit) -> None:
    """The page follows the reader's scheme, and paper is white."""
    back = "getComputedStyle(document.body).backgroundColor"
    ink = "getComputedStyle(document.body).color"
    light, dark = visit("small"), visit("small", color_scheme="dark")
    assert light.evaluate(back) != dark.evaluate(back)
    dark.emulate_media(media="print", color_scheme="dark")
    assert dark.evaluate(ink) == "rgb(0, 0, 0)"
    assert dark.evaluate(back) == "rgb(255, 255, 255)"
    assert dark.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    assert dark.evaluate(chromium.COLOURED) == []
    assert not dark.locator("#tools").is_visible()


def test_a_print_holds_closed_courses_too(visit) -> None:
    """Printing opens what is closed, and closes it again."""
    page = visit("large")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.course[open]").count() == 50
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.course[open]").count() == 0
    assert visit("small").pdf().startswith(b"%PDF-")


def test_without_scripts_all_can_be_read(visit) -> None:
    """Where scripts are switched off, the exams are there, and no control that would do nothing."""
    page = visit("small", java_script_enabled=False)
    assert page.locator("tbody[data-exam]").count() == 5
    assert page.locator("#tools").is_hidden()


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("name", ["small", "every", "special", "hostile", "paper", "year"])
def test_nothing_is_off_the_screen(visit, name: str, width: int) -> None:
    """At no width does a reader scroll sideways, with every row open."""
    page = visit(name, width)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(chromium.OUTSIDE) == []


def test_a_phone_shows_cards(visit) -> None:
    """On a narrow screen each fact of an exam stands below the one before, after its name."""
    page = visit("small", 360)
    title = page.locator("tbody th[scope=row]").first.bounding_box()
    window = page.locator("tbody > tr > td:nth-child(3)").first
    box = window.bounding_box()
    assert box["x"] == title["x"]
    assert box["y"] >= title["y"] + title["height"]
    assert window.evaluate("one => getComputedStyle(one, '::before').content") == '"Exam window"'
    assert page.locator("tbody > tr > td:nth-child(4)").first.bounding_box()["y"] > box["y"]


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_42_exams_fit_on_three_sheets(visit, paper: str) -> None:
    """A print of a term has every exam on two or three sheets, its values only where they were opened."""
    page = visit("paper", color_scheme="dark")
    assert page.locator("details.course[open]").count() == 0
    assert 2 <= chromium.sheets(page, paper) <= 3
    page.click("#fold")
    page.locator(".all summary").first.click()
    page.emulate_media(media="print")
    assert page.locator(".all:visible").count() == 1
    assert page.locator(".values:visible dt").count() == 17
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.exams thead')).display")
        == "table-header-group"
    )
    assert page.evaluate(chromium.COLOURED) == []


def test_a_print_without_scripts_holds_closed_courses(visit) -> None:
    """Where scripts are switched off, a print has as many sheets as with them."""
    assert chromium.sheets(visit("paper", java_script_enabled=False), "A4") == chromium.sheets(
        visit("paper"), "A4"
    )


def test_a_row_opens_by_keyboard_to_all_values(visit) -> None:
    """Tab leads to the values of an exam, outline in sight; Enter opens them, without scripts too."""
    page = visit("small", java_script_enabled=False)
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.locator(".all summary:focus").count():
            break
    assert page.locator(".all summary:focus").evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert page.locator(".values dt:visible").all_text_contents()[:2] == ["title", "courseSid"]
    assert page.locator(".values b:visible").all_text_contents() == [
        "profile lab",
        "defaults",
        "environment production",
        "defaults",
    ]


def shown(page: Page) -> str:
    """What the page says of the time that its pictures show."""
    return page.locator("#span").text_content() or ""


def test_pictures_show_a_month_a_week_and_a_day(visit) -> None:
    """Zooming in keeps the first exam in sight; bars stand where their time is, below days and hours."""
    page = visit("small")
    page.click("[data-unit=month]")
    assert shown(page).startswith("Mon, Sep 1 \u2013 Tue, Sep 30, 2031, EDT; 2 exam windows open")
    page.click("[data-unit=week]")
    assert shown(page).startswith("Mon, Sep 15 \u2013 Sun, Sep 21, 2031")
    assert page.locator(".plot .scale").first.locator("text").all_text_contents()[:3] == [
        "Mon 15",
        "12:00",
        "Tue 16",
    ]
    page.click("[data-unit=day]")
    assert shown(page).startswith("Sun, Sep 21, 2031, EDT; 1 exam window open")
    texts = page.locator(".plot .scale").first.locator("text")
    assert texts.all_text_contents() == [f"{hour:02}:00" for hour in range(0, 24, 2)]
    bar, lanes = (
        page.locator(f".lanes {at}").first.bounding_box() for at in (".exam", ".ticks line:nth-child(10)")
    )
    assert bar["x"] == pytest.approx(lanes["x"], abs=2)  # it opens at 09:00
    page.click("[data-unit=term]")
    assert shown(page) == ""
    assert texts.first.text_content() == "Sep 8"


def test_a_week_with_a_clock_change_has_its_25th_hour(visit) -> None:
    """Days of a week begin at local midnight, and that the clocks change is told."""
    page = visit("special")
    page.click("[data-unit=week]")
    assert "EDT; clocks change on Sun, Nov 2, 2031" in shown(page)
    days = page.eval_on_selector_all(
        ".ticks line.grid:not(.minor)", "all => all.map(one => parseFloat(one.getAttribute('x1')))"
    )
    hours = [round(day / 100 * 169, 3) for day in days]
    assert [hour for hour in hours if hour % 24 == 0] == [0, 24, 48, 72, 96, 120, 144]
    page.click("#later")
    assert shown(page).startswith("Mon, Nov 3 \u2013 Sun, Nov 9, 2031, EST")


def test_pictures_are_zoomed_by_keyboard(visit) -> None:
    """On a picture, + and - choose the unit, and arrows the time; both ends of the term stop them."""
    page = visit("small")
    page.locator(".plot").first.focus()
    page.keyboard.press("+")
    page.keyboard.press("ArrowLeft")
    assert shown(page).startswith("Mon, Sep 1")
    assert page.locator("#earlier").is_disabled()
    page.keyboard.press("ArrowRight")
    assert shown(page).startswith("Wed, Oct 1")
    page.keyboard.press("-")
    assert page.get_attribute("[data-unit=term]", "aria-pressed") == "true"


def test_exempt_exams_are_not_painted_as_overlaps(visit) -> None:
    """Three exams at one time, of which only one is for everybody: no band, and nothing to filter."""
    page = visit("special")
    assert page.locator(".lanes .overlap").count() == 0
    assert page.locator("[data-filter=clash], .key.overlap, .clash").count() == 0


def test_a_clash_of_a_cohort_is_painted_in_both_courses(visit) -> None:
    """The hours that two exams share are marked in the timelines of both courses, and filtered for."""
    page = visit("clashing")
    first, second, _ = (page.locator("svg.lanes .exam").nth(number).bounding_box() for number in range(3))
    shared = pytest.approx(second["x"], abs=1), pytest.approx(first["x"] + first["width"], abs=2)
    assert page.locator("svg.lanes .overlap").count() == 2
    for number in range(2):
        band = page.locator("svg.lanes .overlap").nth(number).bounding_box()
        assert (band["x"], band["x"] + band["width"]) == shared
    page.click("[data-filter=clash]")
    assert rows(page) == ["cs210/exam-0001", "math120/exam-0002"]
    assert chromium.barriers(page) == []


def test_ten_thousand_creates_open(browser: Browser, tmp_path: Path) -> None:
    """A page of 10,000 exams is loaded, searched and opened in seconds."""
    path = tmp_path / "huge.html"
    write(page_cases.warned(page_cases.term(10_000, 250)), path)
    assert path.stat().st_size < 32_000_000
    page = browser.new_page()
    page.goto(path.as_uri(), timeout=60_000)
    page.fill("#search", "c104/exam-0004")
    assert rows(page) == ["c104/exam-0004"]
    page.close()
