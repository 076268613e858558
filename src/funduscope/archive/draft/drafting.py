"""`draft`: a first `archive.toml` for an unknown folder, and a page of samples to confirm it by."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from funduscope.archive.draft import joins, photos, samples, toml
from funduscope.archive.draft.keys import DICOM_EXAM
from funduscope.archive.draft.listing import Site, find_sites, list_files
from funduscope.archive.draft.sources import Sourced, open_table, read_codes, write_columns
from funduscope.archive.draft.tables import Table, read_dicom, read_tables, together
from funduscope.errors import DataError

NAME = "archive.toml"
SAMPLES = "samples.html"
_HEAD = (
    "Drafted by looking at the folder. Every line is a guess with its reason: confirm it by",
    f"{SAMPLES} (which shows patients: it stays at the site), correct it here, then ingest.",
    "Lines with '# ?' are what could not be guessed.",
)


@dataclass(frozen=True)
class Draft:
    """What was drafted.

    Attributes:
        description: the written `archive.toml`; samples: the page to confirm it by.
        sources: the description as nested dicts, one a `[[source]]`.
        open: lines on what could not be guessed, over all sources.
    """

    description: Path
    samples: Path
    sources: list[dict[str, object]]
    open: list[str]


def draft(archive: Path, out: Path) -> Draft:
    """Look at an unknown folder and write OUT/archive.toml and OUT/samples.html.

    The description holds column names, words and forms, and no name or number of a person; the
    page of samples shows rows and photographs as they are.

    Args:
        archive: the folder; nothing in it is changed.
        out: made if it is not there; must lie outside the archive.

    Raises:
        DataError: no such folder, nothing in it that could be an archive, OUT inside it, or an
            `archive.toml` in OUT already.
    """
    _refuse(archive, out)
    files = list_files(archive)
    tables = read_tables(archive, files)
    sites = find_sites(files, archive.resolve().name, [p for t in tables for p in t.paths])
    drafted = [_site(archive, site, tables) for site in sites]
    found = [one.draft for sources, _ in drafted for one in sources]
    if not found:
        raise DataError(
            f"{len(files)} files, none of them a table, a photograph or DICOM",
            place=str(archive),
            rule="an archive holds photographs and tables",
            remedy="give the folder that holds them; .xls and .mdb files have to be exported first",
            code="no_archive",
        )
    out.mkdir(parents=True, exist_ok=True)
    left = Counter(file.path.rpartition(".")[2].lower() for file in files if file.kind == "unread")
    head = [
        *_HEAD,
        *(
            f"? {n} .{suffix} files cannot be read: export them as CSV or .xlsx"
            for suffix, n in sorted(left.items())
        ),
    ]
    text = toml.render(found, head)
    (out / NAME).write_text(text, encoding="utf-8", errors="replace", newline="\n")
    samples.write(archive, out / SAMPLES, sites, drafted)
    doubts = [line for one in found for line in one.open]
    return Draft(out / NAME, out / SAMPLES, [one.plain() for one in found], doubts)


def _refuse(archive: Path, out: Path) -> None:
    if not archive.is_dir():
        raise DataError(
            "no such folder",
            place=str(archive),
            rule="ARCHIVE is a folder with photographs and tables",
            remedy="give the folder that holds the archive",
            code="no_archive",
        )
    if out.resolve().is_relative_to(archive.resolve()):
        raise DataError(
            "the output lies inside the archive",
            place=str(out),
            rule="nothing is written into an archive",
            remedy="give a folder outside it",
            code="output_inside",
        )
    if (out / NAME).exists():
        raise DataError(
            f"there is an {NAME} already",
            place=str(out),
            rule="a description that may have been corrected by hand is not overwritten",
            remedy="move it away, or give another folder",
            code="exists",
        )


def _site(archive: Path, site: Site, tables: list[Table]) -> tuple[list[Sourced], photos.Learnt]:
    own = {file.path for file in site.files}
    names = {
        part
        for file in site.of("photo", "dicom", "refused")
        for part in (file.below(site.folder), file.below(site.folder).rpartition("/")[2])
    }
    mine = together(archive, [table for table in tables if table.paths[0] in own])
    sources = [open_table(site, table, names) for table in mine]
    for sourced in sources:
        read_codes(sourced, mine)
    dicom = read_dicom(archive, site.files)
    if dicom is not None:
        _meet(dicom, sources)
        sources.insert(0, open_table(site, dicom, names))
        if sources[0].draft.get("kind") == "dicom":
            attribute = _dicom_exam(dicom, sources[1:])
            if attribute is not None:
                sources[0].draft.set("columns.exam", attribute, "a table holds these numbers")
    learnt = photos.draft_photos(site, sources)
    for sourced in sources:
        write_columns(sourced)
    if sum(one.draft.get("photos") is not None for one in sources) < len(sources):
        for sourced in sources:
            if sourced.draft.get("photos") is None:
                sourced.draft.guesses["photos"] = toml.Guess([], "another source has them")
    return sources, learnt


def _dicom_exam(dicom: Table, sources: list[Sourced]) -> str | None:
    """The column of the DICOM reader that tells the examination, if not the usual one."""
    attribute, partners = joins.dicom_key(dicom, [one.table for one in sources])
    usual = attribute == next(iter(DICOM_EXAM))
    return None if usual or not partners else DICOM_EXAM[attribute]


def _meet(dicom: Table, sources: list[Sourced]) -> None:
    """Let the tables know examinations by what the DICOM files know them by."""
    _, partners = joins.dicom_key(dicom, [one.table for one in sources])
    for at, (column, share) in partners.items():
        sourced = sources[at]
        why = f"{share:.0%} of its numbers are in the DICOM files"
        photos.promote(sourced, "exam", column)
        sourced.roles.why[column] = why
