"""What the assertions of a corpus say of its eyes: single statements, and findings as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from funduscope import store
from funduscope.findings import Assertion, captions, vocabulary
from funduscope.findings.rendering import shown

if TYPE_CHECKING:
    import polars as pl

PRESENT, UNCERTAIN, ABSENT = 1.0, 0.5, -1.0
_VALUES = {"present": PRESENT, "uncertain": UNCERTAIN, "absent": ABSENT}
_ASKED = ("finding", "status", "temporality", "experiencer", "grade", "advice")


def withheld(corpus: store.Corpus, findings: Sequence[str]) -> list[str]:
    """Patients with a report that names one of the findings, or a narrower one, in any status."""
    import polars as pl

    words = vocabulary()
    codes = [c for c in words.codes if {c, *words.ancestors(c)} & set(findings)]
    named = corpus.assertions.filter(pl.col("finding").is_in(codes))["report_id"].unique()
    rows = corpus.reports.filter(pl.col("report_id").is_in(named.to_list()))
    return sorted(rows["patient_id"].unique().to_list())


class Sayings:
    """The assertions of a corpus, each distinct one read once.

    Attributes:
        rows: report_id, eye, kind (number of the distinct assertion), shown.
    """

    def __init__(self, assertions: pl.DataFrame) -> None:
        import polars as pl

        advice = pl.col("rule").str.contains("advice_to_clarify", literal=True).alias("advice")
        rows = assertions.with_columns(advice)
        kinds = rows.select(_ASKED).unique().sort(_ASKED).with_row_index("kind")
        texts: list[tuple[int, str, str, str, float]] = []
        said: list[tuple[int, str, float]] = []
        for row in kinds.iter_rows(named=True):
            one = _assertion(row)
            if shown([one]):
                said.append((row["kind"], one.finding, _VALUES[one.status]))
            texts += [(row["kind"], *text) for text in _statements(one)]
        self.rows = rows.join(kinds, on=_ASKED, nulls_equal=True)
        self.rows = self.rows.select("report_id", "eye", "kind")
        self._texts = pl.DataFrame(
            [row[:3] for row in texts],
            schema={"kind": pl.UInt32, "text": pl.String, "language": pl.String},
            orient="row",
        )
        self._said = pl.DataFrame(
            said,
            schema={"kind": pl.UInt32, "finding": pl.String, "value": pl.Float32},
            orient="row",
        )
        self.said_of_statements = pl.DataFrame(
            [(text, code, value) for _, text, _, code, value in texts],
            schema={"text": pl.String, "finding": pl.String, "value": pl.Float32},
            orient="row",
        ).unique()

    def statements(self, told: pl.DataFrame) -> pl.DataFrame:
        """Per eye: each finding stated or doubted, and the broader names of those stated.

        Denied findings make no statement: a photograph whose report is silent on them is no
        counterexample, so they would be wrong negatives.

        Args:
            told: key, report_id, eye: which report speaks of which eye (by key), as what. What a
                report says of either eye is said of an unknown one.

        Returns:
            key, text, language.
        """
        import polars as pl

        both = told.join(self.rows, on="report_id", suffix="_said")
        both = both.filter((pl.col("eye") == "unknown") | (pl.col("eye") == pl.col("eye_said")))
        return both.join(self._texts, on="kind").select("key", "text", "language").unique()

    def said(self, told: pl.DataFrame) -> pl.DataFrame:
        """Findings said of each (key, report_id, eye), the stronger word first: 1, 0.5, -1.

        What follows from it is for `said.implied`. A report that names no eye speaks of whichever
        eye is asked for.

        Returns:
            key, report_id, eye, finding, value.
        """
        import polars as pl

        seen = self.rows.join(self._said, on="kind")
        named = seen.group_by("report_id").agg(named=(pl.col("eye") != "unknown").any())
        both = told.join(seen, on="report_id", suffix="_said").join(named, on="report_id")
        same = pl.col("eye") == pl.col("eye_said")
        both = both.filter(same | (~pl.col("named") & (pl.col("eye_said") == "unknown")))
        keys = ("key", "report_id", "eye", "finding")
        return both.group_by(keys).agg(pl.col("value").max())


def said_of_captions(whole: pl.DataFrame, said: pl.DataFrame) -> pl.DataFrame:
    """What a whole caption says: what all the reports say whose words it is.

    A caption rendered from assertions names denials only where it names nothing else.

    Args:
        whole: key, report_id, eye, text, source.
        said: what `Sayings.said` gives.

    Returns:
        text, finding, value.
    """
    import polars as pl

    told = ["key", "report_id", "eye"]
    bearers = whole.group_by("text").agg(bearers=pl.struct(told).n_unique())
    both = whole.join(said, on=told)
    positive = (pl.col("value") > 0).any().over([*told, "text"])
    rendered = pl.col("source") == "rendered"
    both = both.filter(~rendered | ~positive | (pl.col("value") > 0))
    found = both.group_by("text", "finding").agg(
        pl.col("value").min(), count=pl.struct(told).n_unique()
    )
    found = found.join(bearers, on="text").filter(pl.col("count") == pl.col("bearers"))
    return found.select("text", "finding", "value")


def _assertion(row: dict[str, object]) -> Assertion:
    """A distinct assertion as one of the right eye."""
    fields = {name: row[name] for name in _ASKED if name != "advice"}
    rule = "advice_to_clarify" if row["advice"] else ""
    return Assertion(eye="OD", start_char=0, end_char=0, rule=rule, **fields)  # type: ignore[arg-type]


def _statements(one: Assertion) -> list[tuple[str, str, str, float]]:
    """Text, language, the finding it states and its value."""
    if one.status == "absent" or one.experiencer == "family":
        return []
    words = vocabulary()
    made = []
    for language in ("en", "zh"):
        said = one.finding, _VALUES[one.status]
        made += [(c.text, language, *said) for c in captions("", [one], "OD", language=language)]
        if one.status == "present":
            for code in words.ancestors(one.finding):
                made.append((getattr(words[code], language), language, code, PRESENT))
    return made
