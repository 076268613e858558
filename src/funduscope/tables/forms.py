"""The forms of the tables: columns, types, meaning.

They are frozen (format 1): columns may be added, never renamed or dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

EYES = ("OD", "OS", "unknown")
MODALITIES = ("cfp", "uwf", "oct", "ffa", "faf", "external", "other")
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Column:
    """One column: name, type (`str`, `i16`, `i32`, `i64`, `u64`, `f32`, `f64`, `bool`), meaning.

    `values` lists the only words allowed, where the set is closed.
    """

    name: str
    type: str
    doc: str
    nullable: bool = False
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A named table and its columns, in order."""

    name: str
    doc: str
    columns: tuple[Column, ...]


def _columns(text: str, closed: Mapping[str, tuple[str, ...]] | None = None) -> tuple[Column, ...]:
    """Read `name type meaning` lines; a `?` behind the type means the value may be null."""
    made = []
    for line in text.strip().splitlines():
        name, kind, doc = line.split(maxsplit=2)
        made.append(
            Column(name, kind.rstrip("?"), doc, kind.endswith("?"), (closed or {}).get(name, ()))
        )
    return tuple(made)


IMAGES = Table(
    "images",
    "One row a photograph that was kept.",
    _columns(
        """
        image_id str first 32 hex digits of the SHA-256 of the stored encoded bytes
        patient_id str pseudonym of the patient
        patient_id_source str where the patient came from (record, image)
        exam_id str pseudonym of the examination
        site_id str institution or set
        eye str OD is the patient's right eye, OS the left
        eye_source str what told the eye; record, too, where nothing did
        modality str kind of picture
        field str what the picture is centered on
        volume_id str? volume that the frame belongs to
        frame i32? frame number in the file, from 0
        visit_day i32? days since the patient's first visit
        age_years i16? age in years, capped at 90
        sex str? female or male
        camera str? camera model
        source str place in the archive, pseudonymized
        licence str? terms of the picture
        source_sha256 str? SHA-256 of the source file (public sets only)
        width_px i32 stored width in pixels
        height_px i32 stored height in pixels
        fov_x_px f32? center of the field of view, pixels from the left
        fov_y_px f32? center of the field of view, pixels from the top
        fov_radius_px f32? radius of the field of view in pixels
        gradable bool? whether a reader could grade it
        gradability f32? 0 (nothing to be seen) to 1 (sharp and well lit)
        ungradable_reason str? why not gradable
        phash u64 64-bit perceptual hash
        split str train, val or test, by patient
        shard str file under pixels/ that holds the bytes
        row i32 row in that file
        """,
        {
            "eye": EYES,
            "modality": MODALITIES,
            "split": SPLITS,
            "eye_source": ("record", "dicom", "filename", "report", "pixels"),
            "field": ("macula", "disc", "other", "unknown"),
            "sex": ("female", "male"),
            "ungradable_reason": (
                "blur",
                "dark",
                "bright",
                "occluded",
                "coverage",
                "not_fundus",
            ),
        },
    ),
)
REPORTS = Table(
    "reports",
    "One row a report, identity removed.",
    _columns(
        """
        report_id str pseudonym of the report
        patient_id str pseudonym of the patient
        exam_id str pseudonym of the examination
        site_id str institution or set
        language str zh, en or mixed
        text str the report with identity removed
        text_sha256 str SHA-256 of the text
        """,
        {"language": ("zh", "en", "mixed")},
    ),
)
ASSERTIONS = Table(
    "assertions",
    "One row for each thing that a report says of an eye.",
    _columns(
        """
        report_id str the report
        eye str the eye spoken of
        finding str code of the vocabulary
        status str present, absent or uncertain
        temporality str current or history
        experiencer str patient or family
        grade str? scale:value as written
        start_char i32 first character in the text
        end_char i32 one past the last character
        rule str name of the rule that decided
        """,
        {
            "eye": EYES,
            "status": ("present", "absent", "uncertain"),
            "temporality": ("current", "history"),
            "experiencer": ("patient", "family"),
        },
    ),
)
PAIRS = Table(
    "pairs",
    "One row for each caption that a photograph may be trained with.",
    _columns(
        """
        image_id str the photograph
        report_id str the report
        eye str the eye
        caption str exactly what the text tower sees
        caption_language str zh, en or mixed
        caption_source str report (as written) or rendered (from assertions)
        """,
        {"eye": EYES, "caption_source": ("report", "rendered")},
    ),
)
LABELS = Table(
    "labels",
    "One row for each label of a photograph; read by evaluation and adaptation, never in training.",
    _columns(
        """
        image_id str the photograph
        task str what is labeled
        finding str code of the vocabulary
        value f32 the label
        unit str class, grade, years, uncertain, ...
        source str who says so
        """
    ),
)
REJECTS = Table(
    "rejects",
    "One row for each item of the archive that was not kept or that a person must look at.",
    _columns(
        """
        locator str place in the archive, pseudonymized
        item str image, report or record
        step str read, identity, fundus, pairing or split
        code str short stable reason
        detail str the reason in words
        severity str rejected or review
        """,
        {"severity": ("rejected", "review"), "item": ("image", "report", "record")},
    ),
)
ROWS = Table(
    "rows",
    "What each row of vectors.npy belongs to.",
    _columns(
        """
        row i64 row of vectors.npy
        image_id str the photograph
        patient_id str the patient
        eye str the eye
        split str train, val or test
        """,
        {"eye": EYES, "split": SPLITS},
    ),
)
SCORES = Table(
    "scores",
    "One row for each score of an image, an eye or a patient.",
    _columns(
        """
        task str benchmark or corpus
        finding str code of the vocabulary, or a named grouping of it
        unit str image, eye or patient
        unit_id str the unit
        patient_id str the patient
        site_id str the site
        score f32 higher means more likely present
        label f32? 1 present, 0 absent, null unknown
        method str how the score was made
        shots i32? labels used
        seed i32? seed of the run
        prompt_set str? prompt set used
        refused str? why the clinic would not answer (the score counts all the same)
        """,
        {"unit": ("image", "eye", "patient")},
    ),
)
METRICS = Table(
    "metrics",
    "One row for each figure, with its interval and what it rests on.",
    _columns(
        """
        task str benchmark or corpus
        finding str code of the vocabulary, or a named grouping of it
        unit str image, eye or patient
        subgroup str all, or column=value
        metric str auroc, ...
        value f64? the figure
        ci_low f64? lower end of the 95% interval
        ci_high f64? upper end of the 95% interval
        ci_method str how the interval was made
        n_units i32 units counted
        n_positive i32 positive units
        n_patients i32 patients
        method str how the scores were made
        shots i32? labels used
        seeds i32 number of seeds
        selected_on str split on which choices were made; never test
        reason str? why the value is null
        """,
        {"unit": ("image", "eye", "patient")},
    ),
)
LOG = Table(
    "log",
    "One row for each logged training step. Its figures show the health of training, on the batch "
    "itself; they are no evaluation.",
    _columns(
        """
        step i32 optimizer steps done
        images i64 photographs seen
        loss f64 training loss of the step
        temperature f64 scale of the similarities
        learning_rate f64 of the image tower
        recall_at_1 f64? health: share of batch photographs that find a caption of their own
        alignment f64? health: mean squared distance of a photograph to its caption, 0 to 4
        uniformity f64? health: log mean of exp(-2 squared distance) of photographs, down to -8
        gradient_norm f64? health: norm of the gradient before it is clipped
        pairs_per_second f64? photographs with captions a second, waiting included
        data_wait f64 share of the step's time spent waiting for photographs
        seconds f64 time since the run began
        """
    ),
)
PIXELS = "pixels"
TABLES: dict[str, Table] = {
    t.name: t
    for t in (IMAGES, REPORTS, ASSERTIONS, PAIRS, LABELS, REJECTS, ROWS, SCORES, METRICS, LOG)
}
