"""Last term's manifests to manifests of the next term. State is not touched.

May import: `model`, `manifest`.
"""
