"""Plans, reports, diagnostics and state as text, for terminals and logs.

May import `model`, `outputs` and wcwidth.
"""
