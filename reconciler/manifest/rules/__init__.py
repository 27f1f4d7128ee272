"""Rules: what a colleague would notice about exams that the documented schema accepts.

Each theme has a module with its checks and its `RULES`; `catalogue` has them all, `plugins` adds those of
installed packages, `running` asks them, and `ignoring` reads what a line ignores.
"""

from reconciler.manifest.rules.catalogue import CODES, FIXED, Catalogue
from reconciler.manifest.rules.plugins import find_rules

__all__ = ["CODES", "FIXED", "Catalogue", "find_rules"]
