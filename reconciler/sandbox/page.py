"""The root page: the exams created so far, for a person with a browser. Every value is escaped."""

import base64
import hashlib
import json
from collections.abc import Sequence
from html import escape
from typing import Any, Final

from reconciler.sandbox.faults import Fault
from reconciler.sandbox.ledger import CreatedExam

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5d6878; --line: #dde2e9; --paper: #fff;
  --back: #f5f7fa; --mark: #2358c5; --warn: #8a4b00; --warn-back: #fff3df; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e4e9f0; --soft: #9aa6b6; --line: #323b48;
  --paper: #1b212a; --back: #12161c; --mark: #8db4ff; --warn: #ffce8a; --warn-back: #3a2b14; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--back); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", Arial, sans-serif; }
main { max-width: 84rem; margin: 0 auto; padding: 2rem 1.25rem 3rem; }
h1 { margin: 0; font-size: 1.5rem; letter-spacing: -.01em; }
p { margin: .35rem 0 1.25rem; color: var(--soft); overflow-wrap: anywhere; }
a { color: var(--mark); }
:focus-visible { outline: 2px solid var(--mark); outline-offset: 2px; border-radius: 3px; }
.faults { padding: .6rem .9rem; border-radius: .5rem; background: var(--warn-back); color: var(--warn); }
.card { border: 1px solid var(--line); border-radius: .6rem; background: var(--paper); }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .6rem .9rem; text-align: left; vertical-align: top; }
tbody > tr:first-child > * { border-top: 1px solid var(--line); }
thead th { font-size: .8rem; font-weight: 600; color: var(--soft); white-space: nowrap; }
tbody th { min-width: 12rem; font-weight: 600; overflow-wrap: anywhere; }
:is(th, td) small { display: block; font-weight: 400; color: var(--soft); }
code, pre { font: .8rem/1.7 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; }
code { overflow-wrap: anywhere; }
:is(td code, td > span) { white-space: nowrap; }
time { white-space: nowrap; font-variant-numeric: tabular-nums; font-size: .87rem; }
.sid { color: var(--mark); }
.none { color: var(--soft); }
.body > td { padding-top: 0; }
summary { width: max-content; color: var(--soft); font-size: .87rem; cursor: pointer; }
pre { margin: .4rem 0 0; padding: .6rem .9rem; border-radius: .4rem; background: var(--back);
  white-space: pre-wrap; overflow-wrap: anywhere; }
.empty { padding: 2.5rem 1.25rem; text-align: center; color: var(--soft); }
@media screen and (max-width: 900px) {
  main { padding: 1.25rem .9rem 2rem; }
  .card:not(.empty) { border: 0; background: none; }
  table, tbody, tr, th, td { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tbody { margin-bottom: .75rem; padding: .6rem .9rem; border: 1px solid var(--line); border-radius: .6rem;
    background: var(--paper); }
  tbody > tr > :is(th, td) { padding: .2rem 0; border: 0 !important; }
  td:nth-child(n + 3)::before { display: block; color: var(--soft); font-size: .8rem; font-weight: 600; }
  td:nth-child(3)::before { content: "Exam window"; }
  td:nth-child(4)::before { content: "Scheduling window"; }
  td:nth-child(5)::before { content: "Created"; }
}
@media print {
  @page { margin: 12mm; }
  :root { color-scheme: light; }
  * { color: #000 !important; background: none !important; }
  body { font-size: 8.5pt; line-height: 1.3; }
  main { max-width: none; padding: 0; }
  .card { border: 0; }
  th, td { padding: .8mm 2mm .8mm 0; }
  thead th { font-size: 7.5pt; }
  tbody th { min-width: 48mm; }
  :is(th, td) small, time, .none { font-size: 6.8pt; line-height: 1.3; }
  code { font-size: 6.2pt; }
  .body > td { padding: 0; }
  tbody { break-inside: avoid; }
  tbody:has([open]) { break-inside: auto; }
  .body:not(:has([open])) { display: none; }
}
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
_COLUMNS: Final = ("Title", "SID and course", "Exam window", "Scheduling window", "Created")
_NONE: Final = '<span class="none">none</span>'


_MOST_SHOWN: Final = 1000


def render_page(exams: Sequence[CreatedExam], faults: Sequence[Fault], requests: int) -> str:
    """Return the page for `exams`, which are oldest first and shown newest first."""
    return "".join(
        [
            _HEAD,
            f"<p>{_count(len(exams), 'exam')} created, {_count(requests, 'request')} received.</p>\n",
            _faults(faults),
            _table(exams[-_MOST_SHOWN:]) if exams else _EMPTY,
            _older(len(exams) - _MOST_SHOWN),
            "</main></body></html>\n",
        ]
    )


_EMPTY: Final = (
    '<div class="card empty">No exam has been created yet. '
    "Point <code>--api-url</code> at this address.</div>\n"
)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _faults(faults: Sequence[Fault]) -> str:
    if not faults:
        return ""
    specs = " · ".join(f"<code>{_text(fault.spec)}</code>" for fault in faults)
    return f'<p class="faults">Misbehaving as told: {specs}</p>\n'


def _older(count: int) -> str:
    return (
        f'<p>{_count(count, "older exam")}: <a href="/exams.json">all of them</a>.</p>\n' if count > 0 else ""
    )


def _table(exams: Sequence[CreatedExam]) -> str:
    head = "".join(f'<th scope="col">{column}</th>' for column in _COLUMNS)
    rows = "".join(_row(exam) for exam in reversed(exams))
    return f'<div class="card"><table><thead><tr>{head}</tr></thead>\n{rows}</table></div>\n'


def _row(exam: CreatedExam) -> str:
    configuration = exam.body.get("configuration", {})
    kind = f"{exam.body.get('type')}, {exam.body.get('status', 'active')}"
    course = f"<small><code>{_text(exam.course_sid)}</code></small>"
    cells = (
        f'<th scope="row"><bdi>{_text(exam.body.get("title"))}</bdi><small>{_text(kind)}</small></th>',
        f'<td><code class="sid">{_text(exam.sid)}</code>{course}</td>',
        f"<td>{_window(configuration, 'examOpenDate', 'examCloseDate')}</td>",
        f"<td>{_window(configuration, 'scheduleOpenDate', 'scheduleCloseDate')}</td>",
        f"<td>{_moment(exam.created_date)}</td>",
    )
    received = _text(json.dumps(exam.body, ensure_ascii=False, indent=2))
    body = f"<details><summary>Body received</summary><pre>{received}</pre></details>"
    return f'<tbody><tr>{"".join(cells)}</tr><tr class="body"><td colspan="5">{body}</td></tr></tbody>\n'


def _window(configuration: dict[str, Any], opens: str, closes: str) -> str:
    first, last = configuration.get(opens), configuration.get(closes)
    if first is None and last is None:
        return _NONE
    return f"<span>{_moment(first)} to</span><br>{_moment(last)}"


def _moment(value: object) -> str:
    """Return `value` as a time element: shortened to the minute for a UTC date-time, else unchanged."""
    if value is None:
        return _NONE
    text = str(value)
    shown = f"{text[:10]} {text[11:16]} UTC" if text.endswith("Z") and text[10:11] == "T" else text
    return f'<time datetime="{_text(text)}">{_text(shown)}</time>'


def _text(value: object) -> str:
    return escape(str(value), quote=True)
