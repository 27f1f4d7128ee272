"""What reading manifests gave before, kept under `.reconciler/` in the workspace, for those who only look.

Promise: an answer comes out only if this very machine and user put it there, whole, for the same question;
anything else in the folder, be it damaged, copied from elsewhere, planted by a pull request or in use by
another run, is the same as nothing. Nothing raises, and nothing is written outside the folder. No secret's
value is kept. Nothing that a promise of the product rests on asks it: `apply` does not.
May import: `model`.
"""

from reconciler.cache.answers import Answers, Question
from reconciler.cache.loaded_format import HoldsSecret, Remembered

__all__ = ["Answers", "HoldsSecret", "Question", "Remembered"]
