"""Everything that lies in an unknown folder, sorted into sites, tables and photographs."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from funduscope.archive import places
from funduscope.archive.draft.words import is_chinese_name, meanings, plain, role_of

_SUFFIXES = {
    "photo": ("jpg", "jpeg", "jpe", "jfif", "png", "tif", "tiff", "bmp", "gif", "webp", "jp2"),
    "dicom": ("dcm", "dicom", "dic"),
    "table": (
        *("csv", "tsv", "tab", "txt", "xlsx", "xlsm", "jsonl", "ndjson", "json", "xml"),
        *("htm", "html"),
    ),
    "refused": ("e2e", "fds", "fda", "sdb", "vol"),
    "zip": ("zip",),
    "unread": ("xls", "doc", "docx", "pdf", "mdb", "accdb", "rar", "7z", "dbf", "rtf", "db"),
}
_KIND = {suffix: kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes}
_PLACES = frozenset(
    plain(word)
    for word in (
        *("images", "image", "img", "imgs", "photos", "photo", "pictures", "data", "reports"),
        *("report", "tables", "dicom", "fhir", "export", "files", "jpg", "scans", "metadata"),
        *("图像", "图片", "照片", "影像", "报告", "数据", "导出", "文件", "眼底", "眼底照"),
    )
)


@dataclass(frozen=True)
class File:
    """A file or a member of a ZIP file (`x.zip!member`): path below the archive and its kind.

    Kinds: photo, dicom, table, refused (a camera's own form), unread, other.
    """

    path: str
    kind: str

    def below(self, folder: str) -> str:
        """The path below a folder of the archive; a ZIP file counts as a folder."""
        return below(self.path, folder)


@dataclass
class Site:
    """A site: its folder below the archive (`.` for the root), and its files."""

    name: str
    folder: str
    files: list[File] = field(default_factory=list)

    def of(self, *kinds: str) -> list[File]:
        """The site's files of these kinds, sorted by path."""
        return [file for file in self.files if file.kind in kinds]


def below(path: str, folder: str) -> str:
    """A path of the archive as a glob below the folder sees it."""
    seen = places.as_folders(path)
    return seen if folder == "." else seen.removeprefix(f"{folder}/")


def list_files(archive: Path) -> list[File]:
    """All files of the archive, sorted; links are not followed."""
    found: list[File] = []
    for top, folders, names in os.walk(archive):
        folders.sort()
        for name in names:
            path = Path(top, name)
            inside = path.relative_to(archive).as_posix()
            if path.is_symlink() or not path.is_file():
                continue
            kind = _kind(path)
            if kind == "zip":
                found += [_member(entry) for entry in places.members(path, inside)]
            elif not name.startswith("."):
                found.append(File(inside, kind))
    return sorted(found, key=lambda file: file.path)


def _member(entry: places.Entry) -> File:
    """A file in a ZIP file; what must not be opened is left alone."""
    kind = _KIND.get(entry.path.rpartition(".")[2].lower(), "other")
    return File(entry.path.rstrip(places.MEMBER), "other" if entry.fault else kind)


def _kind(path: Path) -> str:
    known = _KIND.get(path.suffix.lower().lstrip("."))
    if known is not None:
        return known
    if path.suffix and not path.suffix[1:].isdigit() and path.suffix.lower() != ".img":
        return "other"
    with path.open("rb") as stream:
        head = stream.read(132)
    if head[128:] == b"DICM":
        return "dicom"
    return "photo" if head.startswith((b"\xff\xd8\xff", b"\x89PNG")) else "other"


def find_sites(files: Sequence[File], root_name: str, tables: Sequence[str]) -> list[Site]:
    """Top-level folders that stand for themselves, or one site at the root.

    Args:
        files: all files.
        root_name: what a site at the root is called.
        tables: paths of the files that are tables indeed (a README is none).
    """
    base = _descend(files)
    cut = 0 if base == "." else len(base) + 1
    known = set(tables)
    with_table, with_photos, at_root = set(), Counter[str](), False
    for file in files:
        top, _, rest = file.path[cut:].replace("!", "/", 1).partition("/")
        if not rest:
            at_root = at_root or file.path in known or file.kind in ("photo", "dicom")
        elif file.path in known or file.kind == "dicom":
            with_table.add(top)
            with_photos[top] += file.kind == "dicom"
        elif file.kind in ("photo", "refused"):
            with_photos[top] += 1
    photo_folders = {top for top, count in with_photos.items() if count}
    if at_root or not _apart(with_table, photo_folders, with_photos):
        name = root_name if base == "." else base.rpartition("/")[2]
        return [Site(name, base, list(files))]
    sites: dict[str, Site] = {}
    for file in files:
        top, _, rest = file.path[cut:].replace("!", "/", 1).partition("/")
        if rest and top in with_table | photo_folders:
            packed = ".zip!" in file.path[cut : cut + len(top) + 1].lower()
            folder = top if base == "." else f"{base}/{top}"
            site = Site(Path(top).stem, base) if packed else Site(top, folder)
            sites.setdefault(top, site).files.append(file)
    return list(sites.values())


def _descend(files: Sequence[File]) -> str:
    """The deepest folder that holds everything (an export often lies in a folder of its own)."""
    parents = [file.path.partition("!")[0].split("/")[:-1] for file in files]
    common: list[str] = []
    for level in zip(*parents, strict=False):
        if len(set(level)) > 1:
            break
        common.append(level[0])
    tops = {tuple(parent[: len(common) + 1]) for parent in parents}
    if len(tops) == 1 and common:
        common = common[:-1]  # one folder with everything in it is the site itself
    return "/".join(common) or "."


def _apart(tables: set[str], photos: set[str], counts: Counter[str]) -> bool:
    """Whether the top-level folders are sites of their own."""
    tops = tables | photos
    if not tops or all(plain(top) in _PLACES or plain(top) in meanings("eye") for top in tops):
        return False
    if sum(_numeric(top) or is_chinese_name(top) for top in tops) > 0.5 * len(tops):
        return False  # folders of days or patients
    if tables:
        return bool(tables & photos) or not photos
    # No table anywhere: folders of patients or days hold few photographs each.
    return len(tops) <= 12 and all(
        counts[top] >= 20
        and role_of(top) is None
        and not _numeric(top)
        and not is_chinese_name(top)
        for top in tops
    )


def _numeric(name: str) -> bool:
    return sum(letter.isdigit() for letter in name) * 2 > len(name)


def photo_globs(site: Site, kinds: Sequence[str], avoid: Sequence[str]) -> list[str]:
    """Globs below the site's folder for its files of these kinds.

    Whole folders where they hold no table, so that nothing in them stays unseen; else suffixes.
    """
    names = [file.below(site.folder) for file in site.of(*kinds)]
    taken = {name.split("/")[0] for name in avoid if "/" in name}
    tops = sorted({name.split("/")[0] for name in names if "/" in name})
    globs: list[str] = []
    common = _PLACES | meanings("eye").keys()
    few = len(names) < 8 * len(tops) and any(plain(top) not in common for top in tops)
    if (few and len(tops) > 2) or any(_numeric(top) or is_chinese_name(top) for top in tops):
        taken = taken or {""}  # folders of days or patients: no name of theirs in a description
        if not taken & set(tops):
            tops, names = [], [name for name in names if "/" not in name]
            globs = ["*/**/*"]
    if tops and not taken & set(tops):
        globs = [f"{literal(top)}/**/*" for top in tops] if len(tops) <= 6 else ["*/**/*"]
    elif tops:
        free = [top for top in tops if top not in taken]
        globs = [f"{literal(top)}/**/*" for top in free] if len(free) <= 6 else []
        rest = [
            name for name in names if "/" in name and (not globs or name.split("/")[0] in taken)
        ]
        globs += _finer(rest, avoid)
    flat = sorted({name.rpartition(".")[2] for name in names if "/" not in name and "." in name})
    return globs + [f"*.{suffix}" for suffix in flat]


def _finer(names: Sequence[str], avoid: Sequence[str]) -> list[str]:
    """Globs for photographs that share their top folder with tables."""
    taken = {name.rpartition("/")[0] for name in avoid}
    seconds = sorted({"/".join(name.split("/")[:2]) for name in names if name.count("/") >= 2})
    free = [two for two in seconds if not any(folder.startswith(two) for folder in taken)]
    direct = [name for name in names if "/".join(name.split("/")[:2]) not in free]
    if len(free) > 6:
        free, direct = [], list(names)
    suffixes = sorted({name.rpartition(".")[2] for name in direct if "." in name})
    return [f"{literal(two)}/**/*" for two in free] + [f"**/*.{suffix}" for suffix in suffixes]


def literal(name: str) -> str:
    """A folder's name as a glob that finds only it."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
