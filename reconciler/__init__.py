"""Declarative, crash-safe infrastructure as code for proctored exams.

The command line is `reconciler`; to embed the product, start from `reconciler.workspace`.
"""

__version__ = "1.0.0"
