"""Chromium without a window, and what tests of pages ask of it."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

OUTSIDE = """() => [...document.querySelectorAll('body *')]
  .filter(one => one.checkVisibility() && !one.closest('svg, .plot, pre, thead'))
  .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
  .map(one => one.outerHTML.slice(0, 90))"""
"""Lists what a reader would have to scroll sideways for."""

COLOURED = """() => [...document.querySelectorAll('body *')]
  .filter(one => one.checkVisibility() && !one.closest('svg'))
  .filter(one => getComputedStyle(one).color !== 'rgb(0, 0, 0)')
  .map(one => one.outerHTML.slice(0, 90))"""
"""Lists what is written in another colour than black."""


def barriers_in_both_schemes(page: Page) -> list[tuple[str, str]]:
    """The same of a page that is light as well as dark; between the two only colours differ."""
    found = barriers(page)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")  # nothing half-way
    return found + barriers(page, "color-contrast")


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser, which is closed at the end."""
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    assert path is not None, "no Chromium was found; .ci/install-packages installs one"
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's sandbox refuses to run as root
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=arguments)
        yield opened
        opened.close()


def sheets(page: Page, paper: str) -> int:
    """How many sheets of `paper` a print of `page` takes."""
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(format=paper)))


def barriers(page: Page, *rules: str) -> list[tuple[str, str]]:
    """The rules of accessibility that `page` breaks, of all or of `rules`, each with the first place."""
    only = {"runOnly": list(rules)} if rules else {}
    results = Axe().run(page, options={"resultTypes": ["violations"], **only})
    return [(one["id"], one["nodes"][0]["html"][:200]) for one in results.response["violations"]]
