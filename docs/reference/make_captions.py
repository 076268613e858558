"""Make the tables of captions.md anew: `python docs/reference/make_captions.py`."""

from __future__ import annotations

from pathlib import Path

from funduscope import findings

FORMS: tuple[findings.CaptionForm, ...]
FORMS = ("as_written", "en", "zh", "en_full", "zh_full", "en_short", "zh_short")
PAGE = Path(__file__).with_name("captions.md")


def reports() -> list[str]:
    """The reports that the page quotes."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("> ") for line in lines if line.startswith("> ")]


def table(report: str) -> str:
    """The captions of both eyes of a report, one row a form."""
    said = findings.extract(report)
    rows = ["| form | OD | OS |", "|---|---|---|"]
    for form in FORMS:
        eyes = [findings.captions(report, said, eye, language=form) for eye in ("OD", "OS")]
        rows.append(f"| `{form}` | {' | '.join(c[0].text if c else '' for c in eyes)} |")
    return "\n".join(rows) + "\n"


def page() -> str:
    """The page with the tables below its quoted reports made anew."""
    text = PAGE.read_text(encoding="utf-8")
    for report in reports():
        before, after = text.split(f"> {report}\n", 1)
        rest = after.lstrip("\n").split("\n\n", 1)[1]
        text = f"{before}> {report}\n\n{table(report)}\n{rest}"
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
