"""One exam as written → the resolved exam: merge of defaults, dates, password, payload.

May import: `model`, and the rest of `manifest`.
"""
