"""Parses YAML text into values with offsets, from the events of libyaml, in one pass.

May import: `model`, PyYAML, and of `manifest` its diagnostics, source text, redaction and names of fields.
"""
