"""Explains a field, a rule, or a word of an output, in Markdown, for `reconciler explain`.

Promise: every text has one source. Fields are explained from the JSON Schemas that editors show, rules from
the pages in docs/rules, words from docs/explain.md and docs/words.md, exit codes from the command line's
table. Reads only files of the package.
May import: `model`, `reconciler.schemas`.
"""
