"""Tables for spreadsheets, in which no cell runs as a formula, and calendars of exams.

May import `model` and `outputs`.
"""
