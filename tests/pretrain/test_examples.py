from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from funduscope import store
from funduscope.errors import DataError
from funduscope.pretrain import PretrainSettings
from funduscope.pretrain.examples import Example, permuted, read_examples, withheld


@pytest.fixture
def corpus(archive: Path) -> store.Corpus:
    return store.Corpus.open(archive)


def test_each_photograph_brings_its_eye_s_words(corpus: store.Corpus, tiny: PretrainSettings):
    examples = {e.image_id: e for e in read_examples([corpus], tiny)}
    assert len(examples) == 20
    assert examples["i1OD"].captions == ("moderate non proliferative retinopathy",)
    assert "diabetic retinopathy" in examples["i1OD"].statements
    assert examples["i1OS"].captions == ("normal fundus",)
    assert "diabetic retinopathy" not in examples["i1OS"].statements


def test_withheld_patients_are_gone_whole(corpus: store.Corpus, tiny: PretrainSettings):
    settings = tiny.model_copy(update={"withhold": ("glaucoma",)})
    gone = withheld(corpus, ["glaucoma"])
    left = read_examples([corpus], settings)
    assert gone == ["p2", "p4", "p5", "p6"]
    assert {e.patient_id for e in left} == {f"p{i}" for i in range(10)} - set(gone)
    assert not any("glaucoma" in text for e in left for text in (*e.captions, *e.statements))


def test_a_broader_finding_withholds_the_narrower(corpus: store.Corpus):
    assert withheld(corpus, ["diabetic_retinopathy"]) == withheld(corpus, ["npdr"])


def test_permuted_captions_stay_in_the_site_and_leave_their_patient(
    corpus: store.Corpus, tiny: PretrainSettings
):
    examples = read_examples([corpus], tiny)
    mixed = permuted(examples, seed=0)
    assert [e.image_id for e in mixed] == [e.image_id for e in examples]
    before = sorted(e.captions for e in examples)
    assert sorted(e.captions for e in mixed) == before
    assert [e.captions for e in mixed] != [e.captions for e in examples]
    assert permuted(examples, seed=0) == mixed


def test_a_permutation_leaves_no_trace_of_how_much_is_wrong_with_an_eye():
    """Patients with many words get as many words as others do, not even by chance more."""
    rng = np.random.default_rng(0)
    words = [f"finding {n}" for n in range(12)]
    examples = []
    for patient in range(150):
        ill = rng.random() < 0.5
        said = tuple(w for w in words if rng.random() < (0.4 if ill else 0.03)) or ("normal",)
        examples.append(Example(f"i{patient}", f"p{patient:03}", "site", said, said))
    count = [len(e.statements) for e in examples]
    found = [
        np.corrcoef(count, [len(e.statements) for e in permuted(examples, seed)])[0, 1]
        for seed in range(5)
    ]
    assert np.sqrt(np.mean(np.square(found))) < 0.05  # of random orders: 0.08


def test_nothing_to_read_is_an_error(make_archive: Callable[..., Path], tiny: PretrainSettings):
    corpus = store.Corpus.open(make_archive("c", patients=2))
    with pytest.raises(DataError, match="no photograph with a caption"):
        read_examples([corpus], tiny.model_copy(update={"languages": ("zh",)}))


def test_which_captions_are_read_is_a_setting(corpus: store.Corpus, tiny: PretrainSettings):
    """The corpus holds captions as written only."""
    own = tiny.model_copy(update={"captions": ("report",)})
    assert read_examples([corpus], own) == read_examples([corpus], tiny)
    rendered = tiny.model_copy(update={"captions": ("rendered",)})
    with pytest.raises(DataError, match="no photograph with a caption"):
        read_examples([corpus], rendered)
