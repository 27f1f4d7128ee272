"""YAML text → nodes with their places, by one parser over the events of libyaml.

May import: `model` and PyYAML.
"""
