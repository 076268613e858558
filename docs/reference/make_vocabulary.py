"""Write vocabulary.md beside this file: `python docs/reference/make_vocabulary.py`."""

from __future__ import annotations

from pathlib import Path

from funduscope.findings import Scale, scale_mappings, scales, scales_version, vocabulary

HEAD = """# Vocabulary and grade scales

Generated from `funduscope.findings` by `python docs/reference/make_vocabulary.py`; a test compares.
Codes may be added, never renamed. `funduscope show vocabulary FINDING` shows the synonyms, narrower
findings, grades and prompts of one finding.

Names, synonyms and codes were written for this project and not yet reviewed by a clinician. ICD-10
is the edition of the WHO and stands only where it is sure. Referable: whether the finding by itself
should be seen by a specialist. Research software, no medical device.

The first 211 codes come from the project's reference list (CC0 1.0); the others name classes that
had none of public benchmarks: ODIR, RFMiD, JSIEC-1000, BRSET, OCTDL, STARE, JustRAIGS, AIROGS.
Classes that collect what is left ("other", "retina disease") are no findings and have no code."""

GRADES = """## Grade scales

A grade is written `scale:value` and kept as the report writes it, never computed from signs and
never converted silently. "Read from reports" says whether the reader writes it; the other scales
come with labels of public sets."""


def page() -> str:
    """The reference page as Markdown."""
    words = vocabulary()
    lines = ["| code | Chinese | English | parent | ICD-10 | kind | referable | synonyms |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for finding in words:
        synonyms = len(finding.zh_synonyms) + len(finding.en_synonyms)
        cells = (finding.code, finding.zh, finding.en, finding.parent or "", finding.icd10 or "")
        line = " | ".join((*cells, finding.kind, finding.referable, str(synonyms)))
        lines.append(f"| {line} |")
    title = f"## Findings\nVersion {words.version}: {len(words)} codes."
    parts = [HEAD, title, "\n".join(lines), f"{GRADES}\n\nVersion {scales_version()}."]
    parts += [_scale(scale) for scale in scales().values()]
    parts.append(_mappings())
    return "\n\n".join(parts) + "\n"


def _scale(scale: Scale) -> str:
    graded = ", ".join(f"`{code}`" for code in scale.findings)
    facts = [
        f"### {scale.code}: {scale.en}",
        f"{scale.zh}. Grades {graded}; read from reports: {'yes' if scale.in_reports else 'no'}.",
        f"Source: {scale.source}.",
    ]
    if scale.referable:
        facts.append(f"Referable from {scale.referable}: {scale.referable_source}.")
    if scale.values:
        rows = ["| value | English | Chinese | code |", "|---|---|---|---|"]
        rows += [f"| {s.value} | {s.en} | {s.zh} | {s.finding or ''} |" for s in scale.values]
        facts.append("\n" + "\n".join(rows))
    return "\n".join(facts)


def _mappings() -> str:
    lines = ["## From one scale to another", "Approximate steps are marked `~`.", ""]
    lines += ["| from | to | steps | source |", "|---|---|---|---|"]
    for mapping in scale_mappings():
        steps = ", ".join(
            f"{value} {'~' if value in mapping.approximate else '='} {other}"
            for value, other in mapping.values.items()
        )
        lines.append(f"| {mapping.start} | {mapping.end} | {steps} | {mapping.source} |")
    return "\n".join(lines)


if __name__ == "__main__":
    Path(__file__).with_name("vocabulary.md").write_text(page(), encoding="utf-8", newline="\n")
