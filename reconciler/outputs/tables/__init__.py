"""Tables for spreadsheets, in which no cell runs as a formula.

May import `model` and `outputs`.
"""
