"""What a colleague would notice about exams that the documented schema accepts.

Each theme has a module with its checks and its `RULES`; `registry` has them all, `plugins` adds those of
installed packages, and `engine` asks them. May import: `model`.
"""
