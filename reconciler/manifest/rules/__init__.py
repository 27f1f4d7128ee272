"""Rules: what a colleague would notice about exams that the documented schema accepts.

Each theme has a module with its checks and its `RULES`; `catalogue` has them all, `plugins` adds those of
installed packages, `running` asks them, and `ignoring` reads what a line ignores.
"""
