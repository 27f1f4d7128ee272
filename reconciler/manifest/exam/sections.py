"""Reads the exams of a manifest as they are written: one, or one for each of its sections."""

from collections.abc import Iterator

from msgspec import Struct

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.exam.merge import SECTIONS, count_nodes, merged, report_misplaced_sections
from reconciler.manifest.exam.placeholders import Section
from reconciler.manifest.exam.provenance import LayerValues
from reconciler.manifest.schema.as_meant import exam_as_meant
from reconciler.manifest.schema.messages import NamedRange, report_schema_errors
from reconciler.manifest.schema.validation import check_of
from reconciler.manifest.terms import address_in_term, is_alias_of_secret
from reconciler.manifest.yaml.nodes import BROKEN, MERGE, TextRange, Value, YamlMapping
from reconciler.model.identities import ADDRESS_RULE, Address, is_address, is_address_part
from reconciler.model.provenance import Layer


class WrittenExam(Struct, frozen=True, kw_only=True):
    """One exam as written: `fields` are its own, and a section has those of its exam as `shared`.

    `address` is None if it is invalid, which is reported. `place` is that of the whole exam, `at` the key of
    the exam or section, and `own` the text range of its fields. `copied` is the number of values in `shared`.
    """

    address: Address | None
    fields: Value
    place: NamedRange
    at: TextRange
    own: TextRange
    shared: YamlMapping | None = None
    section: Section | None = None
    copied: int = 0

    def value(self, diagnostics: FileDiagnostics) -> Value:
        """Return all its fields: those of a section merged over those of its exam.

        Misspelt fields of the two are reported before that.
        """
        if self.shared is None or not isinstance(self.fields, YamlMapping):
            return self.fields
        shared = exam_as_meant(self.shared, self.place.name, diagnostics)
        return merged(exam_as_meant(self.fields, "a section", diagnostics), shared)

    @property
    def layers(self) -> tuple[LayerValues, ...]:
        """The layers of its fields, the highest first."""
        if not isinstance(self.fields, YamlMapping):
            return ()
        if self.section is None or self.shared is None:
            return ((Layer.EXAM, None, self.fields),)
        return (Layer.SECTION, self.section.section, self.fields), (Layer.EXAM, None, self.shared)


def written_exams(
    exams: YamlMapping, term: str | None, diagnostics: FileDiagnostics
) -> Iterator[WrittenExam]:
    """Yield the exams under `exams` of a file of `term`, in order; report keys that cannot be addresses."""
    for key, (at, own) in exams.ranges().items():
        exam, place = exams[key], NamedRange(at, "an exam")
        if _is_failed_merge(key, exam):
            continue
        address = _address(address_in_term(term, key, at, diagnostics), key, at, diagnostics)
        if isinstance(exam, YamlMapping) and SECTIONS in exam:
            _report_shape(exam, place, diagnostics)
            yield from _sections(key, exam, address, place, term, diagnostics)
        else:
            yield WrittenExam(address=address, fields=exam, place=place, at=at, own=own)


def _sections(  # noqa: PLR0913, PLR0917 - the exam and its places
    key: str,
    exam: YamlMapping,
    address: Address | None,
    place: NamedRange,
    term: str | None,
    diagnostics: FileDiagnostics,
) -> Iterator[WrittenExam]:
    shared = exam.without({SECTIONS})
    copied = count_nodes(shared)
    sections = exam.mapping(SECTIONS)
    for name, (at, own) in sections.ranges().items():
        if _is_failed_merge(name, sections[name]):
            continue
        fields = sections.mapping(name)
        report_misplaced_sections(fields, "a section", diagnostics)
        if is_alias_of_secret(name, at, diagnostics):
            continue
        if not is_address_part(name):
            diagnostics.add(
                "bad-address",
                at,
                f"{diagnostics.echo(name)} cannot be the key of a section",
                "It ends the exam's address: use letters, digits, '.', '_' and '-'.",
                address=address,
            )
            continue
        of_section = address and _address(f"{address}/{name}", f"{key}/{name}", at, diagnostics)
        yield WrittenExam(
            address=of_section,
            fields=fields,
            place=place,
            at=at,
            own=own,
            shared=shared,
            section=Section(section=name, address=key, term=term),
            copied=copied,
        )


def _is_failed_merge(key: str, value: Value) -> bool:
    """Return whether this is no exam or section but a merge that failed, which is reported."""
    return key == MERGE and value is BROKEN


def _report_shape(exam: YamlMapping, place: NamedRange, diagnostics: FileDiagnostics) -> None:
    """Report sections that are no mappings; what they hold is checked together with the exam's fields."""
    sections, shape = exam[SECTIONS], YamlMapping()
    if isinstance(sections, YamlMapping):
        shape.update(
            {key: YamlMapping() if isinstance(one, YamlMapping) else one for key, one in sections.items()}
        )
        shape.offsets, sections = sections.offsets, shape
    alone = YamlMapping()
    alone.put(SECTIONS, sections, exam.key_at(SECTIONS), exam.value_at(SECTIONS))
    report_schema_errors(check_of("manifest", "exam"), alone, place, diagnostics)


def _address(address: str, key: str, at: TextRange, diagnostics: FileDiagnostics) -> Address | None:
    """Return `address`, or report the `key` that makes it invalid and return None."""
    if is_address(address):
        return Address(address)
    diagnostics.add(
        "bad-address",
        at,
        f"{diagnostics.echo(key)} cannot be an address",
        f"Use {ADDRESS_RULE}.",
        address=None,
    )
    return None
