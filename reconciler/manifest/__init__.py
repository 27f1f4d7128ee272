"""Text → declarations and diagnostics.

Promise: reads manifests and the workspace file, and nothing else; no input makes an exception, every mistake
has a place, all are found in one run, and no secret is ever part of what is said about them. Secrets are
never resolved here. Where a caller allows it, further processes parse what is large; none outlives the call.
May import: `model`, `reconciler.schemas`, `reconciler.zones`, PyYAML, jsonschema, jsonschema-rs, orjson.
"""

from reconciler.manifest.loading import Gathered, Reading, declare, gather, load, ordered
from reconciler.manifest.rules import CODES, FIXED, Catalogue, find_rules
from reconciler.manifest.ruling import Ruling
from reconciler.manifest.workspace import WorkspaceFile, load_workspace
from reconciler.manifest.yaml_documents import IS_FAST

__all__ = [
    "CODES",
    "FIXED",
    "IS_FAST",
    "Catalogue",
    "Gathered",
    "Reading",
    "Ruling",
    "WorkspaceFile",
    "declare",
    "find_rules",
    "gather",
    "load",
    "load_workspace",
    "ordered",
]
