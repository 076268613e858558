"""The page of samples: rows as read under their roles, photographs beside what their names told.

It shows patients. It says so in red, and nothing of it goes anywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from funduscope.archive import places
from funduscope.archive.draft import toml
from funduscope.archive.draft.listing import Site
from funduscope.archive.draft.photos import Learnt
from funduscope.archive.draft.sources import Sourced
from funduscope.errors import DataError
from funduscope.inputs import decode
from funduscope.pages import (
    Block,
    Caption,
    Column,
    ContactSheet,
    Photo,
    Section,
    Table,
    report_html,
)

_ROWS, _PHOTOS, _SHOWN, _LONG = 4, 6, 14, 160
_WARNING = (
    '<p role="alert" style="background:#b00020;color:#fff;padding:1em;font-weight:bold">'
    "This page shows names, numbers and photographs of patients. It stays at the site: do not "
    "send it, copy it or print it. Delete it once the description is confirmed.</p>"
)


def write(
    archive: Path,
    out: Path,
    sites: Sequence[Site],
    drafted: Sequence[tuple[list[Sourced], Learnt]],
) -> None:
    """Write the page; readable by the owner only, where the system knows such a thing."""
    sections = []
    for site, (sources, learnt) in zip(sites, drafted, strict=True):
        blocks: list[Block] = []
        for sourced in sources:
            blocks += _table(sourced)
        blocks += _photos(archive, site, learnt)
        sections.append(Section(site.name, blocks))
    page = report_html(
        sections,
        title="Samples of an archive",
        language="en",
        lead="Are the roles above the columns right, and is what file names tell read right?",
    )
    page = page.replace('<main id="content">', f'{_WARNING}<main id="content">', 1)
    out.touch(mode=0o600)
    out.write_text(page, encoding="utf-8", errors="replace", newline="\n")


def _table(sourced: Sourced) -> list[Block]:
    draft, table = sourced.draft, sourced.table
    blocks: list[Block] = []
    if table.rows:
        role_of = {
            column: role for role, columns in sourced.roles.columns.items() for column in columns
        }
        names = [n for n in table.columns if n in role_of] + [
            n for n in table.columns if n not in role_of
        ]
        names = names[: _SHOWN + 8]
        columns = [Column(f"{role_of.get(name, '–')}: {name}") for name in names]
        step = max(1, len(table.rows) // _ROWS)
        rows = [[_short(row.get(n)) for n in names] for row in table.rows[::step][:_ROWS]]
        where = draft.get("table") or draft.get("kind")
        how = ", ".join(filter(None, (table.kind, table.encoding, table.delimiter)))
        blocks.append(Table(columns, rows, caption=f"{where} ({how!r}), {len(table.rows)} rows"))
    if draft.open:
        blocks.append(Table([Column("To look at")], [[line] for line in draft.open]))
    return blocks


def _short(cell: str | None) -> str | None:
    return cell if cell is None or len(cell) <= _LONG else f"{cell[:_LONG]} …"


def _photos(archive: Path, site: Site, learnt: Learnt) -> list[Block]:
    paths = learnt.paths
    if not paths:
        return []
    step = max(1, len(paths) // _PHOTOS)
    chosen = paths[::step][:_PHOTOS]
    pattern = re.compile(learnt.pattern.regex) if learnt.pattern else None
    missed = [p for p in paths if pattern is not None and not pattern.search(p.full)][:8]
    rows: list[list[str | float | None]] = []
    for path in [*chosen, *missed]:
        found = pattern.search(path.full) if pattern else None
        told = {k: v for k, v in (found.groupdict() if found else {}).items() if v}
        rows.append(
            [toml.one_line(path.full), ", ".join(f"{k} {v}" for k, v in told.items()) or None]
        )
    blocks: list[Block] = [
        Table([Column("File"), Column("What its name tells")], rows, caption="Photographs")
    ]
    real = {file.below(site.folder): file.path for file in site.of("photo")}
    pictures = [one for path in chosen if (one := _picture(archive, real.get(path.full)))]
    if pictures:
        blocks.append(ContactSheet(pictures, caption="Some photographs"))
    return blocks


def _picture(archive: Path, path: str | None) -> Photo | None:
    if path is None:
        return None
    try:
        rgb = decode(places.read_bytes(archive, path), name=path, min_side=320)
    except (DataError, OSError, KeyError):
        return None
    return Photo(rgb, [Caption(toml.one_line(path.rpartition("/")[2]), "en")])
