"""Plans, reports, diagnostics and state as text, JSON, Markdown and HTML, and in the formats of CI systems.

Untrusted text is escaped for each format, and no secret is shown. May import: `model`, `reconciler.zones`,
jinja2 (`html` only) and wcwidth (`text` only).
"""
