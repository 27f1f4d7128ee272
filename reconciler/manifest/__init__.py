"""Reads manifests and the workspace file, and turns them into declarations and diagnostics.

No input raises an exception: every mistake becomes a diagnostic with a place, all in one run, and no
diagnostic shows a secret. Secrets are never resolved here.
May import: `model`, `rules`, `reconciler.schemas`, `reconciler.zones`, PyYAML, jsonschema, jsonschema-rs.
"""
