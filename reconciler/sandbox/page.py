"""The root page: the exams created so far, for a person with a browser. Every value is escaped."""

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from typing import Any, Final

from reconciler.sandbox.faults import Fault
from reconciler.sandbox.ledger import CreatedExam

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5d6878; --line: #dde2e9; --paper: #fff;
  --back: #f5f7fa; --mark: #2358c5; --warn: #8a4b00; --warn-back: #fff3df; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9f0; --soft: #9aa6b6; --line: #323b48;
  --paper: #1b212a; --back: #12161c; --mark: #8db4ff; --warn: #ffce8a; --warn-back: #3a2b14; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 84rem; margin: 0 auto; padding: 2rem 1.25rem 3rem; }
h1 { margin: 0; font-size: 1.5rem; letter-spacing: -.01em; }
p { margin: .35rem 0 1.25rem; color: var(--soft); }
.faults { padding: .6rem .9rem; border-radius: .5rem; background: var(--warn-back); color: var(--warn); }
.card { overflow-x: auto; border: 1px solid var(--line); border-radius: .6rem; background: var(--paper); }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .6rem .9rem; text-align: left; vertical-align: top; }
tr + tr > td, tbody td { border-top: 1px solid var(--line); }
th { font-size: .8rem; font-weight: 600; color: var(--soft); white-space: nowrap; }
td.title { min-width: 14rem; font-weight: 600; overflow-wrap: anywhere; }
td small { display: block; font-weight: 400; color: var(--soft); }
code { font: .8rem/1.7 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
td code { white-space: nowrap; }
time { white-space: nowrap; font-variant-numeric: tabular-nums; font-size: .87rem; }
.sid { color: var(--mark); }
.none { color: var(--soft); }
.empty { padding: 2.5rem 1.25rem; text-align: center; color: var(--soft); }
"""

_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS: Final = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
"""Headers that allow the page its own style sheet and nothing else."""

_HEAD: Final = (
    "<!doctype html>\n"
    '<html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    f"<title>Exam sandbox</title><style>{_STYLE}</style></head><body><main>\n<h1>Exam sandbox</h1>\n"
)
_COLUMNS: Final = ("SID and course", "Title", "Exam window", "Scheduling window", "Created")
_NONE: Final = '<span class="none">none</span>'


def render_page(exams: Sequence[CreatedExam], faults: Sequence[Fault], requests: int) -> str:
    """Return the page for `exams`, which are oldest first and shown newest first."""
    return "".join(
        [
            _HEAD,
            f"<p>{_count(len(exams), 'exam')} created, {_count(requests, 'request')} received.</p>\n",
            _faults(faults),
            _table(exams) if exams else _EMPTY,
            "</main></body></html>\n",
        ]
    )


_EMPTY: Final = (
    '<div class="card empty">No exam has been created yet. '
    "Point <code>reconciler apply --api-url</code> at this address.</div>\n"
)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _faults(faults: Sequence[Fault]) -> str:
    if not faults:
        return ""
    specs = " · ".join(f"<code>{_text(fault.spec)}</code>" for fault in faults)
    return f'<p class="faults">Misbehaving as told: {specs}</p>\n'


def _table(exams: Sequence[CreatedExam]) -> str:
    head = "".join(f'<th scope="col">{column}</th>' for column in _COLUMNS)
    rows = "".join(_row(exam) for exam in reversed(exams))
    return f'<div class="card"><table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n'


def _row(exam: CreatedExam) -> str:
    configuration = exam.body.get("configuration", {})
    kind = f"{exam.body.get('type')}, {exam.body.get('status', 'active')}"
    course = f"<small><code>{_text(exam.course_sid)}</code></small>"
    cells = (
        f'<td><code class="sid">{_text(exam.sid)}</code>{course}</td>',
        f'<td class="title">{_text(exam.body.get("title"))}<small>{_text(kind)}</small></td>',
        f"<td>{_window(configuration, 'examOpenDate', 'examCloseDate')}</td>",
        f"<td>{_window(configuration, 'scheduleOpenDate', 'scheduleCloseDate')}</td>",
        f"<td>{_moment(exam.created_date)}</td>",
    )
    return f"<tr>{''.join(cells)}</tr>\n"


def _window(configuration: dict[str, Any], opens: str, closes: str) -> str:
    first, last = configuration.get(opens), configuration.get(closes)
    if first is None and last is None:
        return _NONE
    return f"{_moment(first)} to<br>{_moment(last)}"


def _moment(value: object) -> str:
    """Return `value` as a time element: shortened to the minute for a UTC date-time, else unchanged."""
    if value is None:
        return _NONE
    text = str(value)
    shown = f"{text[:10]} {text[11:16]} UTC" if text.endswith("Z") and text[10:11] == "T" else text
    return f'<time datetime="{_text(text)}">{_text(shown)}</time>'


def _text(value: object) -> str:
    return escape(str(value), quote=True)
