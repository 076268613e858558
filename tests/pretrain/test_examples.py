from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from funduscope import store, tables
from funduscope.errors import DataError
from funduscope.findings import vocabulary
from funduscope.pretrain import PretrainSettings
from funduscope.pretrain.examples import Examples, Lists, read_examples


@pytest.fixture
def corpus(archive: Path) -> store.Corpus:
    return store.Corpus.open(archive)


def words(examples: Examples, image_id: str) -> tuple[set[str], set[str]]:
    """Whole captions and statements of a photograph's eye."""
    row = examples.image_id.to_list().index(image_id)
    eye = int(np.searchsorted(examples.first_E, row, side="right")) - 1
    spoken = examples.words_E[eye]
    return (
        set(examples.texts.gather(examples.captions[spoken])),
        set(examples.texts.gather(examples.statements[spoken])),
    )


def said(lists: Lists, row: int) -> dict[str, float]:
    codes = vocabulary().codes
    span = slice(lists.starts[row], lists.starts[row + 1])
    both = zip(lists.items[span], lists.values[span], strict=True)
    return {codes[item]: float(value) for item, value in both}


def changed(path: Path, table: tables.Table, *columns: pl.Expr) -> store.Corpus:
    """The corpus with some columns of a table made anew."""
    file = path / f"{table.name}.parquet"
    tables.write(table, tables.read(table, file).with_columns(*columns), file)
    return store.Corpus.open(path)  # type: ignore[no-any-return]


def test_each_photograph_brings_its_eye_s_words(corpus: store.Corpus, tiny: PretrainSettings):
    examples = read_examples([corpus], tiny)
    assert len(examples) == 20
    whole, single = words(examples, "i1OD")
    assert whole == {"moderate non proliferative retinopathy"}
    assert "diabetic retinopathy" in single
    assert "糖尿病视网膜病变" in single
    whole, single = words(examples, "i1OS")
    assert whole == {"normal fundus"}
    assert "diabetic retinopathy" not in single
    assert examples.side_E.tolist() == [0, 1] * 10


def test_what_is_said_of_an_eye_and_of_a_text(corpus: store.Corpus, tiny: PretrainSettings):
    examples = read_examples([corpus], tiny)
    eye = examples.image_id.to_list().index("i1OD")
    of_eye = said(examples.said, eye)
    assert of_eye["npdr"] == 1
    assert "glaucoma" not in of_eye
    texts = examples.texts.to_list()
    assert said(examples.said_T, texts.index("cataract")) == {"cataract": 1}
    assert set(said(examples.said_T, texts.index("glaucoma, drusen"))) >= {"glaucoma", "drusen"}
    made = examples.said.dense(np.array([eye, eye]), len(vocabulary()))
    assert made.sum() == 2 * sum(of_eye.values())


def test_doubts_and_denials_have_their_numbers(
    make_archive: Callable[..., Path], tiny: PretrainSettings
) -> None:
    said_of = ("suspected glaucoma", "no drusen", "cataract", "pdr, no glaucoma")
    examples = read_examples([store.Corpus.open(make_archive("c", words=said_of))], tiny)
    eye = {name: row for row, name in enumerate(examples.image_id)}
    assert said(examples.said, eye["i0OD"])["glaucoma"] == 0.5
    assert said(examples.said, eye["i1OD"]) == {"drusen": -1}
    assert said(examples.said, eye["i3OD"])["glaucoma"] == -1
    assert said(examples.said, eye["i3OD"])["pdr"] == 1
    texts = examples.texts.to_list()
    assert said(examples.said_T, texts.index("pdr, no glaucoma"))["glaucoma"] == -1
    assert said(examples.said_T, texts.index("suspected glaucoma"))["glaucoma"] == 0.5
    assert words(examples, "i1OD")[1] == set()  # a denial is no statement


def test_several_photographs_of_an_eye_are_one_eye(
    make_archive: Callable[..., Path], tiny: PretrainSettings
) -> None:
    same = pl.lit("OD").alias("eye")
    path = make_archive("c")
    corpus = changed(path, tables.IMAGES, same)
    examples = read_examples([changed(path, tables.PAIRS, same)], tiny)
    assert len(examples) == corpus.images.height
    assert np.diff(examples.first_E).tolist() == [2] * 10
    unknown = pl.lit("unknown").alias("eye")
    changed(path, tables.PAIRS, unknown)
    examples = read_examples([changed(path, tables.IMAGES, unknown)], tiny)
    assert np.diff(examples.first_E).tolist() == [1] * 20  # nobody knows which eye each is
    assert set(examples.side_E) == {2}
    assert {"cataract", "diabetic retinopathy"} <= words(examples, "i3OS")[1]  # of either eye


def test_two_corpora_keep_their_photographs_and_share_texts_and_patients(
    corpus: store.Corpus, tiny: PretrainSettings
) -> None:
    one, two = read_examples([corpus], tiny), read_examples([corpus, corpus], tiny)
    assert len(two) == 2 * len(one)
    assert two.texts.to_list() == one.texts.to_list()
    assert two.patients.to_list() == one.patients.to_list()
    assert len(set(two.exam_E)) == 2 * len(set(one.exam_E))


def test_sides_in_a_caption_have_a_mirrored_form(
    make_archive: Callable[..., Path], tiny: PretrainSettings
) -> None:
    turned = pl.col("caption").replace("cataract", "cataract at 3 o'clock, left of the disc")
    examples = read_examples([changed(make_archive("c"), tables.PAIRS, turned)], tiny)
    texts = examples.texts.to_list()
    at = texts.index("cataract at 3 o'clock, left of the disc")
    other = int(examples.mirror_T[at])
    assert texts[other] == "cataract at 9 o'clock, right of the disc"
    assert said(examples.said_T, other) == said(examples.said_T, at) == {"cataract": 1}
    assert texts == sorted(texts)


def test_withheld_patients_are_gone_whole(corpus: store.Corpus, tiny: PretrainSettings):
    left = read_examples([corpus], tiny.model_copy(update={"withhold": ("glaucoma",)}))
    gone = {"p2", "p4", "p5", "p6"}
    assert set(left.patients) == {f"p{i}" for i in range(10)} - gone
    assert not any("glaucoma" in text or "青光眼" in text for text in left.texts)


def test_permuted_captions_take_what_is_said_along(corpus: store.Corpus, tiny: PretrainSettings):
    plain = read_examples([corpus], tiny)
    mixed = read_examples([corpus], tiny.model_copy(update={"permute_captions": True}))
    assert mixed.image_id.to_list() == plain.image_id.to_list()
    assert (plain.patient_E[mixed.words_E] != plain.patient_E).all()
    assert (plain.site_E[mixed.words_E] == plain.site_E).all()


def test_which_captions_are_read_is_a_setting(corpus: store.Corpus, tiny: PretrainSettings):
    """The corpus holds captions as written only."""
    own = read_examples([corpus], tiny.model_copy(update={"captions": ("report",)}))
    assert own.captions.items.tolist() == read_examples([corpus], tiny).captions.items.tolist()
    with pytest.raises(DataError, match="no photograph with a caption"):
        read_examples([corpus], tiny.model_copy(update={"captions": ("rendered",)}))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"languages": ("zh",)}, "no photograph with a caption"),
        ({"words": ("cataract",) * 4}, "all captions say 'cataract'"),
        ({"patients": 1}, "one eye with a caption"),
    ],
)
def test_nothing_to_contrast_is_an_error(
    make_archive: Callable[..., Path], tiny: PretrainSettings, change: dict, found: str
) -> None:
    settings = tiny.model_copy(update={k: v for k, v in change.items() if k == "languages"})
    path = make_archive("c", **{k: v for k, v in change.items() if k != "languages"})
    if "patients" in change:
        one = tables.read(tables.PAIRS, path / "pairs.parquet").head(1)
        tables.write(tables.PAIRS, one, path / "pairs.parquet")
    with pytest.raises(DataError, match=found):
        read_examples([store.Corpus.open(path)], settings)


@pytest.mark.parametrize("recorded", [{"version": "1", "hash": "0" * 64}, None])
def test_a_corpus_of_another_vocabulary_is_refused(
    make_archive: Callable[..., Path], tiny: PretrainSettings, recorded: dict | None
) -> None:
    corpus = store.Corpus.open(make_archive("c"))
    corpus.manifest.extra["vocabulary"] = recorded
    with pytest.raises(DataError, match=r"vocabulary: (version 1|none)(.|\n)*ingest ARCHIVE OUT"):
        read_examples([corpus], tiny)
