"""A plan as Markdown for a comment on a pull request; text from manifests cannot become markup.

May import `model` and `outputs`.
"""
