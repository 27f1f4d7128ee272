"""Holds values to the JSON Schemas, and words what is wrong with them.

May import: `model`, `manifest.yaml`, `reconciler.schemas`, jsonschema and jsonschema-rs.
"""
