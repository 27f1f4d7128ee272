"""Formats that CI systems read: annotations and summaries of GitHub, reports of GitLab, SARIF and JUnit.

May import `model` and `outputs`.
"""
