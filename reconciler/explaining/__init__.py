"""What a field, a rule or an exit code means, in Markdown, for `reconciler explain`.

Promise: every text has one home. Fields are explained from the JSON Schemas that editors show, rules from the
pages below docs/rules, exit codes from the command line's table. Reads files of the package, nothing else.
May import: `model`, `reconciler.schemas`.
"""
