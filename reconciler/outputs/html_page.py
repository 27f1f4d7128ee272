"""A plan as one page of HTML that needs nothing else: no network, no file beside it.

Its Content-Security-Policy allows the page its own style and its own script, by their hashes, and nothing
more. The template escapes every value, and shows none that is not printable.
"""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from reconciler.model.plan import Plan
from reconciler.outputs.escapes import printable
from reconciler.outputs.html_view import view_of
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.listing import Listing

_TICKS: Final = re.compile(r"`([^`]+)`")
_TEMPLATES: Final = Path(__file__).parent / "templates"


def plan_page(plan: Plan, *, listing: Listing, invocation: Invocation | None = None) -> str:
    """`plan` as a page.

    `invocation` goes into the commands to copy; None where they need no option.
    """
    style, script = _asset("plan.css"), _asset("plan.js")
    return _template().render(
        view=view_of(plan, listing, invocation or Invocation()),
        policy=(
            f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
            "base-uri 'none'; form-action 'none'"
        ),
        # Both are files of this package, in which nothing of a plan stands.
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
    )


def _asset(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """`text` as a Content-Security-Policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["ticked"] = _ticked
    return environment.get_template("plan.html.j2")


def _ticked(text: str) -> Markup:
    """`text`, escaped, with what stands between two backticks as code."""
    return Markup(_TICKS.sub(r"<code>\1</code>", str(escape(printable(text)))))  # noqa: S704 - escaped just now


def _shown(value: object) -> object:
    """`value` as it may stand in a page: text has nothing in it that could mislead a reader."""
    if isinstance(value, str) and not isinstance(value, Markup) and not value.isprintable():
        return "\n".join(printable(line) for line in value.split("\n"))
    return value
