"""Text → declarations and diagnostics.

Promise: reads manifests and the workspace file, and nothing else; no input makes an exception, every mistake
has a place, all are found in one run, and no secret is ever part of what is said about them. Secrets are
never resolved here.
May import: `model`, `reconciler.schemas`, `reconciler.zones`, PyYAML, jsonschema, jsonschema-rs.
"""
