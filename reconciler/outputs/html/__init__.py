"""A plan as one HTML page, which loads no other file and needs no network.

May import `model`, `outputs` and jinja2.
"""
