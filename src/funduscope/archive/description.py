"""What `archive.toml` says of an archive: its sources, their columns, words and file names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from funduscope.config import Settings, build, describe, read_toml
from funduscope.errors import DataError

SHEET = Path(__file__).with_name("sheet.toml")
NAME = "archive.toml"


class Columns(Settings):
    """Which column of the source plays which role; a role that is not named is not there.

    In JSON Lines a dot walks into a nested object (`patient.name`).
    """

    exam: str | None = Field(default=None, description="number of the examination")
    patient: str | None = Field(default=None, description="number of the patient at the site")
    name: tuple[str, ...] = Field(
        default=(), description="name of the patient; several columns are its parts, in order"
    )
    identity: tuple[str, ...] = Field(
        default=(), description="further columns that identify a person (ID card, phone, doctor)"
    )
    birth_date: str | None = Field(default=None, description="date of birth")
    exam_date: str | None = Field(default=None, description="date of the examination")
    age: str | None = Field(default=None, description="age in years ('7 months' is understood)")
    sex: str | None = Field(default=None, description="sex")
    eye: str | None = Field(default=None, description="eye of the row's photographs")
    procedure: str | None = Field(
        default=None, description="name of the examination (fundus photograph, OCT, B-scan ...)"
    )
    status: str | None = Field(
        default=None, description="state of the report; one that was withdrawn is in no pair"
    )
    camera: str | None = Field(default=None, description="camera model")
    report: tuple[str, ...] = Field(
        default=(), description="parts of the report, joined by line breaks"
    )
    report_right: tuple[str, ...] = Field(
        default=(), description="parts of the report that speak of the right eye and do not say so"
    )
    report_left: tuple[str, ...] = Field(default=(), description="the same of the left eye")
    eye_report: dict[str, str] = Field(
        default={},
        description="language (en, zh) -> column with the words on the row's eye; "
        "the words of both eyes become one report of the patient",
    )
    right: tuple[str, ...] = Field(default=(), description="photographs of the right eye")
    left: tuple[str, ...] = Field(default=(), description="photographs of the left eye")
    images: tuple[str, ...] = Field(default=(), description="photographs of the row")
    labels: str | None = Field(default=None, description="label words")
    split: str | None = Field(default=None, description="train, val or test")
    licence: str | None = Field(default=None, description="terms of the photograph")

    @field_validator(
        *("right", "left", "images", "identity", "report", "report_right", "report_left", "name"),
        mode="before",
    )
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    def roles(self) -> dict[str, tuple[str, ...]]:
        """Role -> the columns it reads; roles that are not used are left out."""
        found: dict[str, tuple[str, ...]] = {}
        for role in type(self).model_fields:
            value = getattr(self, role)
            if isinstance(value, dict):
                value = tuple(value.values())
            if value:
                found[role] = (value,) if isinstance(value, str) else tuple(value)
        return found


class Format(Settings):
    """How dates, lists and file names are written."""

    birth_date: tuple[str, ...] = Field(
        default=(), description="strptime forms of dates of birth; default: year first, any marks"
    )
    exam_date: tuple[str, ...] = Field(
        default=(), description="strptime forms of examination dates; default: as birth_date"
    )
    separator: str = Field(default=";", description="between several file names in a cell")
    label_separator: str = Field(default=";", description="between label words")
    eye_pattern: str | None = Field(
        default=None, description="regular expression on the file's name with a group 'eye'"
    )
    file_pattern: str | None = Field(
        default=None,
        description="regular expression on the photograph's path below `folder`; its groups exam, "
        "patient, name, date, eye, field, kind tell whose it is where no column names it",
    )
    table_pattern: str | None = Field(
        default=None,
        description="regular expression on a table's own path below `folder`: its groups are "
        "columns of its rows",
    )
    file_date: tuple[str, ...] = Field(
        default=(),
        description="strptime forms of the group 'date'; a form without a day is the whole month",
    )
    window_days: int = Field(
        default=0,
        ge=0,
        le=366,
        description="days that the date of a photograph may lie from its examination's",
    )

    @field_validator("birth_date", "exam_date", "file_date", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("eye_pattern", "file_pattern", "table_pattern")
    @classmethod
    def _compiles(cls, text: str | None) -> str | None:
        if text is not None:
            try:
                re.compile(text)
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from None
        return text


class Values(Settings):
    """The source's words -> ours; letter case does not matter."""

    sex: dict[str, Literal["female", "male"]] = Field(
        default={}, description="word -> female, male"
    )
    eye: dict[str, Literal["OD", "OS", "unknown"]] = Field(
        default={}, description="word -> OD (right), OS (left), unknown"
    )
    procedure: dict[str, Literal["cfp", "uwf", "oct", "ffa", "faf", "other"]] = Field(
        default={}, description="name of an examination -> cfp (its report is paired), oct, ..."
    )
    field: dict[str, Literal["macula", "disc", "other"]] = Field(
        default={}, description="word in a file name -> macula, disc, other"
    )
    kind: dict[str, Literal["cfp", "external", "red_free", "both_eyes"]] = Field(
        default={}, description="word in a file name -> cfp, external, red_free, both_eyes"
    )
    age_unit: dict[str, Literal["year", "month", "week", "day"]] = Field(
        default={}, description="further words behind an age -> year, month, week, day"
    )
    split: dict[str, Literal["train", "val", "test"]] = Field(
        default={}, description="word -> train, val, test"
    )


class EyeWords(Settings):
    """How the words on each eye are put together into one report."""

    right: str = Field(default="Right eye: {}", description="words of the right eye, at {}")
    left: str = Field(default="left eye: {}", description="words of the left eye, at {}")
    between: str = Field(default="; ", description="between the two")


class Server(Settings):
    """Where the objects of a source of kind dicomweb come from; no secret stands here."""

    url: str | None = Field(
        default=None, description="DICOMweb root, such as https://pacs.example/dicom-web"
    )
    user: str | None = Field(
        default=None, description="NAME of the environment variable that holds the user"
    )
    password: str | None = Field(
        default=None, description="NAME of the environment variable that holds the password"
    )
    page: int = Field(default=200, ge=1, description="matches asked for at once")
    modalities: tuple[str, ...] = Field(
        default=("OP",), description="kinds of series that are fetched; empty: all"
    )
    query: dict[str, str] = Field(
        default={},
        description="which studies: QIDO-RS attributes, such as StudyDate = '20190101-20191231'",
    )


_DICOM = {
    "exam": "study_uid",
    "patient": "patient",
    "birth_date": "birth_date",
    "exam_date": "study_date",
    "age": "age_years",
    "sex": "sex",
    "eye": "eye",
    "camera": "camera",
    "identity": ("accession",),
}
_USUAL_COLUMNS: dict[str, dict[str, object]] = {
    "dicom": dict(_DICOM),
    "dicomweb": dict(_DICOM),
    "fhir": {
        "exam": "study",
        "patient": "patient",
        "name": "name",
        "birth_date": "birth_date",
        "exam_date": "effective",
        "sex": "gender",
        "procedure": "code",
        "status": "status",
        "eye": "eye",
        "camera": "device",
        "images": "images",
        "report": ("conclusion", "attachment", "results"),
        "identity": ("identifiers", "telecom", "address", "people", "id", "accession"),
    },
}


class Source(Settings):
    """A table and photographs of one site; several of one site meet in its examinations."""

    site: str = Field(default="", description="name of the institution or set; default: the folder")
    folder: str = Field(default=".", description="folder of the source, below the archive")
    table: tuple[str, ...] = Field(
        default=(), description="file with the rows, below `folder`, or globs of several"
    )
    kind: Literal["csv", "xlsx", "jsonl", "fhir", "xml", "text", "dicom", "dicomweb", "folder"] = (
        Field(
            default="csv",
            description="csv (any separator), xlsx, jsonl, fhir, xml, text (one report a file: its "
            "columns are text, body, and its labels), dicom (files), dicomweb (a server; its "
            "objects are fetched into `folder`), folder (no table: photographs are the rows)",
        )
    )
    encoding: str | None = Field(default=None, description="of the table; default: detected")
    delimiter: str | None = Field(default=None, description="of a csv table; default: detected")
    photos: tuple[str, ...] = Field(
        default=("**/*",), description="where photographs lie, below `folder`; all must be there"
    )
    public: bool = Field(
        default=False, description="a public set: the SHA-256 of its files may be stored"
    )
    keep_refused: bool = Field(
        default=False, description="keep pictures that are no fundus photographs, marked so"
    )
    gradable_from: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="the site's own threshold (`funduscope review quality`), before the setting",
    )
    published_split: bool = Field(
        default=False,
        description="the split column is a published one: kept even where two of the source's "
        "patients share a picture (that is listed)",
    )
    check_side: bool = Field(
        default=True,
        description="photographs whose optic disc is on the wrong side for their eye go to review",
    )
    modality: Literal["cfp", "uwf", "oct", "ffa", "faf", "external", "other"] = Field(
        default="cfp", description="kind of picture"
    )
    optional: tuple[str, ...] = Field(
        default=(), description="roles whose columns may be missing from the table"
    )
    columns: Columns = Field(default=Columns(), description="role = column")
    server: Server = Field(default=Server(), description="of a source of kind dicomweb")
    format: Format = Field(default=Format(), description="how things are written")
    values: Values = Field(default=Values(), description="words of the source -> ours")
    eye_words: dict[str, EyeWords] = Field(
        default={"en": EyeWords()}, description="language -> how eye_report becomes a report"
    )

    @field_validator("table", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="before")
    @classmethod
    def _usual_columns(cls, given: object) -> object:
        """DICOM and FHIR always have the same columns; what the description names wins."""
        if not isinstance(given, dict) or given.get("kind") not in _USUAL_COLUMNS:
            return given
        columns = given.get("columns", {})
        named = columns.model_dump() if isinstance(columns, Columns) else dict(columns)
        return {**given, "columns": {**_USUAL_COLUMNS[given["kind"]], **named}}

    @model_validator(mode="after")
    def _place_for_what_is_fetched(self) -> Source:
        if self.kind == "dicomweb" and (self.server.url is None or not self.prefix):
            raise ValueError("kind dicomweb needs server.url, and a folder for what is fetched")
        return self

    @property
    def prefix(self) -> str:
        """What stands before a path below `folder` to make it a path below the archive."""
        return "" if self.folder in (".", "") else f"{self.folder.rstrip('/')}/"


class Description(Settings):
    """A whole `archive.toml`."""

    format: Literal[1] = Field(default=1, description="form of this description")
    source: tuple[Source, ...] = Field(min_length=1, description="the sites, one table each")


def load(archive: Path, config_path: Path | None = None) -> Description:
    """The description of an archive: the file given, its own `archive.toml`, or the ready sheet.

    Raises:
        ConfigError: a description with mistakes (all named).
        DataError: no such folder, an empty one, or one that nothing describes.
    """
    if not archive.is_dir():
        raise _no_archive("no such folder", archive, "give the folder that holds the archive")
    if not any(archive.iterdir()):
        raise _no_archive(
            "the folder is empty", archive, "give the folder with the tables and photographs"
        )
    path = config_path or archive / NAME
    if config_path is not None or path.is_file():
        return build(Description, read_toml(path), place=str(path))
    if not (archive / "labels.csv").is_file():
        raise _no_archive(
            "neither archive.toml nor labels.csv",
            archive,
            "describe the archive in a file (see `funduscope config ingest`), give it by --config",
        )
    return build(Description, read_toml(SHEET), place=str(SHEET))


def schema() -> str:
    """A source description as TOML text: every setting with its meaning and default."""
    form = describe(Source, prefix="source.")
    form = form.replace("[source.eye_words]", "[source.eye_words.en]")  # one such table a language
    return (
        "# --- archive.toml: what the archive looks like; one [[source]] a site ---\n"
        "format = 1\n\n[[source]]\n" + form
    )


def _no_archive(value: str, archive: Path, remedy: str) -> DataError:
    return DataError(
        value,
        place=str(archive),
        rule="ARCHIVE is a folder with photographs and a description of them",
        remedy=remedy,
        code="no_archive",
    )
