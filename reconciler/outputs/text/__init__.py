"""Plans, reports, diagnostics and state as text, for a terminal and for a log.

May import: `model`, `outputs`, wcwidth.
"""
