"""Resolves one exam: merges defaults and profiles into it, and makes its payload.

May import: `model`, and the rest of `manifest`.
"""
