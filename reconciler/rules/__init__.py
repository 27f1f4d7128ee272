"""Rules: checks for mistakes in exams that the documented schema accepts.

Each theme has a module with its checks and its `RULES`; `registry` lists all of them, `plugins` adds those of
installed packages, and `engine` runs them. May import: `model`, `zones`.
"""
