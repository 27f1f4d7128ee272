"""Which rules a run asks, and files read so that their findings weigh as these rules say."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field

from reconciler.manifest.findings import Findings
from reconciler.manifest.rules.catalogue import Catalogue
from reconciler.manifest.rules.ignoring import read_ignores
from reconciler.manifest.weighing import Weighing
from reconciler.manifest.yaml_documents import Document, parse, read_source
from reconciler.manifest.yaml_parcels import Parsed
from reconciler.model.diagnostics import Severity


class Ruling(Struct, frozen=True, kw_only=True):
    """Which rules are asked, and how: `weights` gives codes another severity, None for off.

    `now` is the moment for rules on the basis of the clock, which are not asked without one. `is_partial`
    says that not all manifests of the workspace are read.
    """

    catalogue: Catalogue = field(default_factory=Catalogue)
    weights: Mapping[str, Severity | None] = field(default_factory=dict)
    now: datetime | None = None
    is_partial: bool = False

    def read(self, name: str, data: bytes, parsed: Parsed | None = None) -> tuple[Findings, Document | None]:
        """The findings of the file `name` and its document; None where they say why there is none.

        `parsed` is what `data` holds, where that is known already.
        """
        source, findings, is_text = read_source(name, data)
        findings.weighing = Weighing(self.catalogue.by_code.keys(), self.weights)
        if parsed is not None:
            document: Document | None = parsed.tell(source)
        else:
            document = parse(source, findings) if is_text else None
        if document is not None:
            read_ignores(document.comments, findings, self.catalogue)
        return findings, document
