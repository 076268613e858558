from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from funduscope import store
from funduscope.findings import Assertion, captions, extract, vocabulary
from funduscope.pretrain.statements import Sayings, said_of_captions, withheld


def rows(text: str, report: str = "r") -> pl.DataFrame:
    made = [
        {"report_id": report, **{name: getattr(a, name) for name in a.__slots__}}
        for a in extract(text)
    ]
    return pl.DataFrame(made, schema_overrides={"grade": pl.String})


def told(*eyes: str) -> pl.DataFrame:
    return pl.DataFrame([{"key": eye, "report_id": "r", "eye": eye} for eye in eyes])


def by_hand(assertions: pl.DataFrame, eye: str) -> set[str]:
    """Each statement read one by one, as the rule is worded."""
    made = []
    for row in assertions.iter_rows(named=True):
        if row["status"] == "absent" or row["experiencer"] == "family":
            continue
        if eye not in ("unknown", row["eye"]):
            continue
        one = Assertion(**{k: v for k, v in row.items() if k != "report_id"} | {"eye": "OD"})
        for language in ("en", "zh"):
            made += [c.text for c in captions("", [one], "OD", language=language)]
            if row["status"] == "present":
                broader = vocabulary().ancestors(row["finding"])
                made += [getattr(vocabulary()[code], language) for code in broader]
    return set(made)


@pytest.mark.parametrize(
    "text",
    [
        "Right eye: severe NPDR, suspected glaucoma, no drusen; left eye: normal fundus",
        "右眼：糖尿病视网膜病变Ⅲ期，可疑青光眼。左眼：未见玻璃膜疣，白内障",
        "Both eyes: history of cataract; mother has glaucoma. Diabetes.",
        "macular edema",
    ],
)
def test_statements_are_those_of_the_rule(text: str) -> None:
    assertions = rows(text)
    eyes = ("OD", "OS", "unknown")
    made = Sayings(assertions).statements(told(*eyes))
    for eye in eyes:
        assert set(made.filter(pl.col("key") == eye)["text"]) == by_hand(assertions, eye)


def test_a_report_without_eyes_speaks_of_the_eye_asked_for() -> None:
    made = Sayings(rows("macular edema, no drusen")).said(told("OD"))
    values = dict(made.select("finding", "value").iter_rows())
    assert values["macular_edema"] == 1
    assert values["drusen"] == -1
    named = Sayings(rows("right eye: macular edema")).said(told("OS", "unknown"))
    assert named.is_empty()


def test_a_rendered_caption_denies_only_where_it_says_nothing_else() -> None:
    sayings = Sayings(rows("right eye: glaucoma, no drusen; left eye: no drusen"))
    eyes = told("OD", "OS")
    said = sayings.said(eyes)
    captions = [("OD", "glaucoma", "rendered"), ("OD", "glaucoma, no drusen", "report")]
    captions += [("OS", "no drusen", "rendered")]
    whole = pl.DataFrame(captions, schema=["key", "text", "source"], orient="row")
    whole = whole.join(eyes, on="key")
    made = {(t, f): v for t, f, v in said_of_captions(whole, said).iter_rows()}
    assert made[("glaucoma, no drusen", "drusen")] == made[("no drusen", "drusen")] == -1
    assert ("glaucoma", "drusen") not in made
    assert made[("glaucoma", "glaucoma")] == 1


def test_a_caption_says_what_all_its_reports_say() -> None:
    both = pl.concat([rows("cataract", "r"), rows("cataract, no drusen", "s")])
    eyes = pl.DataFrame({"key": ["a", "b"], "report_id": ["r", "s"], "eye": ["OD", "OD"]})
    whole = eyes.with_columns(text=pl.lit("cataract"), source=pl.lit("report"))
    made = said_of_captions(whole, Sayings(both).said(eyes))
    assert made.rows() == [("cataract", "cataract", 1.0)]


def test_withheld_names_patients_by_report(archive: Path) -> None:
    corpus = store.Corpus.open(archive)
    assert withheld(corpus, ["glaucoma"]) == ["p2", "p4", "p5", "p6"]
    assert withheld(corpus, ["diabetic_retinopathy"]) == withheld(corpus, ["npdr"])
