"""A plan as a Markdown comment of a pull request; text from manifests cannot become markup.

May import: `model`, `outputs`.
"""
