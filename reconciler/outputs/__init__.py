"""Plans, reports, diagnostics and state, put into the forms that people and programs read.

Promise: untrusted text is escaped for the format at hand, no secret is shown, and nothing here decides or
changes anything.
May import: `model`, `reconciler.zones`, jinja2 and wcwidth.
"""
