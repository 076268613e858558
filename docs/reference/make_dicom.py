"""Write dicom.md beside this file: `python docs/reference/make_dicom.py`."""

from __future__ import annotations

from pathlib import Path

from funduscope.dicom.allowed import attributes

HEAD = """# DICOM attributes that are looked at

Generated from `funduscope/dicom/data/allowed.tsv` by `python docs/reference/make_dicom.py`; a test
compares. No other attribute is read for the corpus. (All text of an object is read once more, only
so that the last pass over the corpus can make sure that it is not there.)
"""
USES = {
    "corpus": "Enter the corpus: as a word of a closed list, a number, or the camera's name",
    "pairing": "Serve to pair pictures and reports; leave as pseudonym, age, difference of days",
    "decoding": "Tell how the pixels are stored",
}


def page() -> str:
    """The reference page as Markdown."""
    parts = [HEAD]
    for use, title in USES.items():
        parts.append(f"## {title}\n")
        parts += ["| tag | attribute | feeds | why |", "|---|---|---|---|"]
        for one in attributes().values():
            if one.use == use:
                tag = f"({one.tag[:4]},{one.tag[4:]})"
                parts.append(f"| {tag} | {one.keyword} | {one.feeds} | {one.why} |")
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("dicom.md").write_text(page(), encoding="utf-8", newline="\n")
