"""Plans, reports, diagnostics and events as JSON, written and read by one declaration of each field.

May import `model`.
"""
