"""A plan as one HTML page that needs nothing from elsewhere.

May import: `model`, `outputs`, jinja2.
"""
