from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from funduscope import evaluate, store
from funduscope.errors import ConfigError, DataError
from funduscope.evaluate import ZeroshotSettings
from funduscope.evaluate import benchmark as stage
from funduscope.findings import prompt_bank

AXES = {"cataract": 0, "glaucoma": 1, "diabetic_retinopathy": 2}
QUICK = {"bootstrap": 100, "minimum": 3}


def label(image, finding, value=1.0, task="finding", unit="class"):
    return {
        "image_id": image,
        "task": task,
        "finding": finding,
        "value": value,
        "unit": unit,
        "source": "test",
    }


def vectors(strength):
    """Unit rows with `strength` on the first axis."""
    strength = np.asarray(strength, dtype=np.float32)
    rows = np.zeros((strength.size, 4), dtype=np.float32)
    rows[:, 0] = strength
    rows[:, 3] = np.sqrt(1 - strength**2)
    return rows


@pytest.fixture
def encoder(monkeypatch, fake_encoder):
    """Install a fake model; cataract eyes are the last four of ten, one of them scored low."""
    made = fake_encoder(vectors([0.1, 0.2, 0.0, 0.3, 0.25, 0.15, 0.5, 0.6, 0.7, 0.05]), AXES)
    monkeypatch.setattr(stage, "open_encoder", lambda _path: made)
    return made


LABELS = [label(f"i{n}", "normal") for n in range(6)]
LABELS += [label(f"i{n}", "cataract") for n in range(6, 10)]


def test_figures_agree_with_a_count_by_hand(corpus, encoder, tmp_path):
    path = corpus("eyes", [{}] * 10, labels=LABELS)
    settings = ZeroshotSettings(**QUICK, prompt_sets=("plain", "paraphrase"))
    made = evaluate.zeroshot("model", [path], tmp_path / "out", settings)
    figures = made.metrics.filter(pl.col("finding") == "cataract")
    assert figures["method"].to_list() == ["zero_shot/plain/both", "zero_shot/paraphrase/both"]
    row = figures.row(0, named=True)
    # 6 negatives: three positives stand above all of them, the last above one
    assert row["value"] == pytest.approx((3 * 6 + 1) / 24)
    assert row["ci_low"] < row["value"] <= row["ci_high"]
    assert (row["n_units"], row["n_positive"], row["n_patients"]) == (10, 4, 5)
    assert (row["ci_method"], row["selected_on"]) == ("patient bootstrap", "val")
    assert len(encoder.embedded) == 10  # once for both prompt sets
    scores = made.scores.filter((pl.col("finding") == "cataract") & (pl.col("unit_id") == "i8"))
    assert scores["score"].to_list() == pytest.approx([1 / (1 + np.exp(-14))] * 2)
    assert made.manifest.extra["model"] == "fake"
    banks = [prompt_bank(name) for name in ("plain", "paraphrase")]
    assert made.manifest.extra["prompts"] == {bank.name: bank.hash for bank in banks}
    assert made.manifest.extra["prompt_banks"] == {bank.name: bank.record() for bank in banks}
    assert set(made.scores["prompt_set"]) == {"plain", "paraphrase"}
    assert store.verify(tmp_path / "out") == 2


def test_refused_photographs_count_and_are_marked(corpus, encoder, tmp_path):
    refused = {"gradable": False, "ungradable_reason": "not_fundus"}
    poor = {"gradable": False, "ungradable_reason": "blur"}  # ungradable, and answered
    path = corpus("eyes", [*[{}] * 8, poor, refused], labels=LABELS)
    made = evaluate.zeroshot("model", [path], tmp_path / "out", ZeroshotSettings(**QUICK))
    marked = made.scores.filter(pl.col("refused").is_not_null())
    assert set(marked["unit_id"]) == {"i9"}
    assert set(marked["refused"]) == {"not_fundus"}
    figures = made.metrics.filter(pl.col("finding") == "cataract")
    assert figures["value"][0] == pytest.approx(19 / 24)


def test_doubt_is_left_out_and_still_scored(corpus, encoder, tmp_path):
    labels = [*LABELS[:5], label("i5", "cataract", unit="uncertain"), *LABELS[6:]]
    path = corpus("eyes", [{}] * 10, labels=labels)
    runs = stage.plan([store.Corpus.open(path)], ZeroshotSettings(**QUICK), AXES)
    assert "i5" not in runs[0].truth["cataract"]
    made = evaluate.zeroshot("model", [path], tmp_path / "out", ZeroshotSettings(**QUICK))
    row = made.metrics.filter(pl.col("finding") == "cataract").row(0, named=True)
    assert (row["n_units"], row["n_positive"]) == (9, 4)


def test_photographs_without_patients_are_called_independent(corpus, encoder, tmp_path):
    path = corpus("eyes", [{"patient_id_source": "image"}] * 10, labels=LABELS)
    made = evaluate.zeroshot("model", [path], tmp_path / "out", ZeroshotSettings(**QUICK))
    assert set(made.metrics["ci_method"]) == {"images independent"}


def test_a_task_scores_its_own_site_and_split(corpus, encoder, tmp_path):
    images = [{"site_id": "palm", "split": "train" if n == 0 else "test"} for n in range(10)]
    labels = [label(f"i{n}", "pathologic_myopia", float(n > 5)) for n in range(10)]
    palm = corpus("palm", images, labels=labels)
    other = corpus("other", [{}] * 10, labels=LABELS)
    encoder.axes = {"pathologic_myopia": 0}
    settings = ZeroshotSettings(tasks=("palm",), bootstrap=100)
    made = evaluate.zeroshot("model", [palm, other], tmp_path / "out", settings)
    assert made.metrics["task"].to_list() == ["palm"]
    assert made.metrics["n_units"].to_list() == [9]
    with pytest.raises(DataError, match="no corpus for palm"):
        evaluate.zeroshot("model", [other], tmp_path / "none", settings)
    everyone = settings.model_copy(update={"split": "all"})
    made = evaluate.zeroshot("model", [palm], tmp_path / "all", everyone)
    assert made.metrics["n_units"].to_list() == [10]


def test_one_class_only_gives_the_reason_not_a_number(corpus, encoder, tmp_path):
    labels = [label(f"i{n}", "pathologic_myopia") for n in range(10)]
    path = corpus("palm", [{"site_id": "palm"}] * 10, labels=labels)
    encoder.axes = {"pathologic_myopia": 0}
    settings = ZeroshotSettings(tasks=("palm",), bootstrap=100)
    made = evaluate.zeroshot("model", [path], tmp_path / "out", settings)
    row = made.metrics.row(0, named=True)
    assert row["value"] is None
    assert "one class" in row["reason"]


def test_nothing_to_score_is_said(corpus, encoder, tmp_path):
    path = corpus("eyes", [{}] * 10, labels=LABELS[:6])
    with pytest.raises(DataError, match="truth=reports"):
        evaluate.zeroshot("model", [path], tmp_path / "out", ZeroshotSettings(**QUICK))
    assert not (tmp_path / "out").exists()


def test_a_result_names_the_version_and_the_phrasings_of_the_vocabulary(corpus, encoder, tmp_path):
    labels = [label(f"i{n}", "roth_spot", float(n > 5)) for n in range(10)]
    path = corpus("eyes", [{}] * 10, labels=labels)
    encoder.axes = {"roth_spot": 0}
    settings = ZeroshotSettings(**QUICK, prompt_sets=("plain", "plain@1"))
    made = evaluate.zeroshot("model", [path], tmp_path / "out", settings)
    banks = made.manifest.extra["prompt_banks"]
    assert [banks[name]["version"] for name in ("plain", "plain@1")] == [2, 1]
    assert banks["plain"] == prompt_bank("plain").record(["roth_spot"])
    assert list(banks["plain"]["from_vocabulary"]) == ["roth_spot"]
    assert set(made.scores["prompt_set"]) == {"plain", "plain@1"}


def test_an_unknown_prompt_set_is_refused(corpus, encoder, tmp_path):
    path = corpus("eyes", [{}] * 10, labels=LABELS)
    settings = ZeroshotSettings(**QUICK, prompt_sets=("plane",))
    with pytest.raises((ConfigError, DataError), match="plain"):
        evaluate.zeroshot("model", [path], tmp_path / "out", settings)
    assert not (tmp_path / "out").exists()
