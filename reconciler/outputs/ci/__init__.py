"""What CI systems read: annotations, summaries and reports of GitHub, GitLab, SARIF and JUnit.

May import: `model`, `outputs`.
"""
