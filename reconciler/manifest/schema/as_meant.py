"""Reads manifests and exams as they were meant, where fields are misspelt or stand in the wrong place.

Such a field is reported, and then taken for the field that was meant. So one mistake makes one message, and
all others are found in the same run. What cannot be told stays as it is, for the schema to report.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.fields import fields_of
from reconciler.manifest.schema.strays import (
    Stray,
    StrayFields,
    has_exam_fields,
    is_like_exam,
    is_surely_exam,
)
from reconciler.manifest.yaml.nodes import Value, YamlMapping
from reconciler.model.identities import is_course_sid, is_user_sid

_CONFIGURATION: Final = "configuration"
_DEFAULTS: Final = "defaults"
_EXAMS: Final = "exams"
_PROFILES: Final = "profiles"


def exam_as_meant(exam: YamlMapping, called: str, diagnostics: FileDiagnostics) -> YamlMapping:
    """Return `exam`, which is `called` so in messages, as it was meant; `exam` itself if all is known."""
    fields = StrayFields(diagnostics)
    meant, strays = _exam(exam, called, fields)
    fields.report_exams(strays, "in line with the exam above")
    return meant


def _exam(exam: YamlMapping, called: str, fields: StrayFields) -> tuple[YamlMapping, list[Stray]]:
    """Return `exam` as it was meant, and the strays in it; those that look like exams are not reported."""
    upper, outer = fields.sorted_out(exam, "exam", called)
    before = upper.mapping(_CONFIGURATION)
    lower, inner = fields.sorted_out(before, "configuration", f"'{_CONFIGURATION}'")
    if lower is not before:
        upper = _with(upper, _CONFIGURATION, lower)
    fields.report_fields(outer, called)
    fields.report_fields(inner, f"'{_CONFIGURATION}'")
    return _with_fields(upper, (*outer, *inner)), [*outer, *inner]


def _with_fields(exam: YamlMapping, strays: Iterable[Stray]) -> YamlMapping:
    """Return `exam` with those fields of `strays` that it lacks, in the exam or in its configuration."""
    for stray in sorted(strays, key=lambda stray: stray.level != "exam"):
        if stray.level == "exam" and stray.name not in exam:
            exam = _with(exam, stray.name, stray.value, stray)
        elif stray.level == "configuration":
            lower = exam.mapping(_CONFIGURATION)
            if stray.name not in lower:
                exam = _with(exam, _CONFIGURATION, _with(lower, stray.name, stray.value, stray), stray)
    return exam


def manifest_as_meant(root: YamlMapping, diagnostics: FileDiagnostics) -> YamlMapping:
    """Return the manifest `root` as it was meant; the fields of its exams are left to `exam_as_meant`."""
    fields = StrayFields(diagnostics)
    top, strays = fields.sorted_out(root, "manifest", "a manifest")
    top, lost = _partial_exams(top, fields)
    top, lost_too = _aliases(top, fields)
    top = _with_exams(top, strays, [*lost, *lost_too], fields)
    return _with_slipped(top, [stray for stray in strays if stray.level is not None], fields)


def _partial_exams(top: YamlMapping, fields: StrayFields) -> tuple[YamlMapping, list[Stray]]:
    """Return `top` with defaults and profiles as meant, and what in them looks like exams."""
    lost, defaults = list[Stray](), top.get(_DEFAULTS)
    if isinstance(defaults, YamlMapping):
        meant, lost = _exam(defaults, f"'{_DEFAULTS}'", fields)
        top = top if meant is defaults else _with(top, _DEFAULTS, meant)
    profiles, kept = top.mapping(_PROFILES), YamlMapping()
    for name, (at, value_at) in profiles.ranges().items():
        profile = profiles[name]
        if _EXAMS not in top and is_surely_exam(name, profile):
            lost.append(Stray(name, None, name, profile, at, value_at))
            continue
        if isinstance(profile, YamlMapping):
            profile, strays = _exam(profile, f"the profile {fields.diagnostics.echo(name)}", fields)
            lost += strays
        kept.put(name, profile, at, value_at)
    return top if kept == profiles else _with(top, _PROFILES, kept), lost


def _aliases(top: YamlMapping, fields: StrayFields) -> tuple[YamlMapping, list[Stray]]:
    """Return `top` without entries of its aliases that are none, and those that look like exams.

    Fields of exams are taken for defaults.
    """
    lost = list[Stray]()
    for block in ("courses", "users"):
        kept, shared = YamlMapping(), list[Stray]()
        for name, (at, value_at) in top.mapping(block).ranges().items():
            value = top.mapping(block)[name]
            is_alias = isinstance(value, str) and (is_course_sid(value) or is_user_sid(value))
            if is_like_exam(name, value):
                lost.append(Stray(name, None, name, value, at, value_at))
            elif name in fields_of("exam") and not is_alias:
                shared.append(Stray(name, "exam", name, value, at, value_at))
            else:
                kept.put(name, value, at, value_at)
        if len(kept) < len(top.mapping(block)):
            top = _with(top, block, kept)
        if shared:
            fields.report_fields(shared, f"'{block}'", _under(_DEFAULTS, top))
            top = _in_defaults(top, shared, fields)
    return top, lost


def _in_defaults(top: YamlMapping, strays: Sequence[Stray], fields: StrayFields) -> YamlMapping:
    """Return `top` with `strays` in its defaults; what is in them is read as meant too."""
    defaults, lost = _exam(_with_fields(top.mapping(_DEFAULTS), strays), f"'{_DEFAULTS}'", fields)
    fields.report_exams(lost, f"under `{_EXAMS}`")
    return _with(top, _DEFAULTS, defaults, strays[0])


def _under(block: str, top: YamlMapping) -> str:
    """Return where fields belong that should stand in `block`."""
    return f"under `{block}`" if block in top else f"under a line `{block}:`, which is missing above"


def _with_exams(
    top: YamlMapping, outside: Sequence[Stray], lost: Sequence[Stray], fields: StrayFields
) -> YamlMapping:
    """Return `top` with the exams that are `outside` the blocks, or `lost` in one, in the block of exams."""
    is_there = _EXAMS in top
    fields.report_exams(outside, "under `exams`, indented" if is_there else "under a line `exams:`, indented")
    fields.report_exams(
        lost, "under `exams`" if is_there else "under a line `exams:`, which is missing above"
    )
    exams = _addresses(top.mapping(_EXAMS), fields)
    strays = {stray.name: stray for stray in (*outside, *lost) if stray.level is None}
    if strays:
        exams = exams.copy()
    for stray in strays.values():
        if stray.name not in exams:
            exams.put(stray.name, stray.value, stray.at, stray.value_at)
    return top if not exams or exams is top.get(_EXAMS) else _with(top, _EXAMS, exams, *strays.values())


def _addresses(exams: YamlMapping, fields: StrayFields) -> YamlMapping:
    """Return `exams` with fields that stand where addresses do in the exam above them."""
    if all(has_exam_fields(exam) for exam in exams.values()):
        return exams
    kept, slipped = YamlMapping(), dict[str, list[Stray]]()
    for key, (at, value_at) in exams.ranges().items():
        value, above = exams[key], next(reversed(kept), None)
        stray = None if above is None else fields.in_place_of_address(key, value, at, value_at)
        if above is None or stray is None:
            kept.put(key, value, at, value_at)
        else:
            slipped.setdefault(above, []).append(stray)
    if not slipped:
        return exams
    for above, strays in slipped.items():
        fields.report_fields(strays, "an exam", "below the exam above, indented")
        kept[above] = _with_fields(kept.mapping(above), strays)
    return kept


def _with_slipped(top: YamlMapping, strays: Sequence[Stray], fields: StrayFields) -> YamlMapping:
    """Return `top` with the fields that stand at its level in the exam above them, or in the defaults."""
    if not strays:
        return top
    exams = top.mapping(_EXAMS)
    above = [address for address, (at, _) in exams.ranges().items() if at.start < strays[0].at.start]
    if not above:
        fields.report_fields(strays, "a manifest", "in an exam, or under `defaults` if all exams have it")
        return _in_defaults(top, strays, fields)
    fields.report_fields(strays, "a manifest", "below the exam above, indented")
    exam = _with_fields(exams.mapping(above[-1]), strays)
    return _with(top, _EXAMS, _with(exams, above[-1], exam))


def _with(holder: YamlMapping, key: str, value: Value, *at: Stray) -> YamlMapping:
    """Return a copy of `holder` with `value` at `key`, which stands where `at` does if it is new."""
    copy = holder.copy()
    if key in copy:
        copy[key] = value
    else:
        copy.put(key, value, at[0].at, at[0].value_at)
    return copy
