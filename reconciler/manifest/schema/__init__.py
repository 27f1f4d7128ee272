"""Validates values by the JSON Schemas, and reports each error in the user's words.

May import: `model`, `reconciler.schemas`, jsonschema, jsonschema-rs, and of `manifest` its diagnostics,
redaction and `yaml`.
"""
