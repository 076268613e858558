from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from funduscope import store
from funduscope.config import Quiet
from funduscope.errors import DataError
from funduscope.pretrain.crops import make_crops


def test_a_photograph_of_two_corpora_fills_both_its_rows(archive: Path, tmp_path: Path) -> None:
    corpus = store.Corpus.open(archive)
    one, two = corpus.images["image_id"].to_list()[:2]
    made = make_crops([corpus, corpus], [one, two, one], 32, tmp_path / "crops.npy", Quiet())
    assert made[0].any()
    assert made[1].any()
    np.testing.assert_array_equal(made[0], made[2])


def test_a_photograph_without_pixels_stops_the_run(archive: Path, tmp_path: Path) -> None:
    corpus = store.Corpus.open(archive)
    names = [corpus.images["image_id"][0], "0" * 32]
    with pytest.raises(DataError, match="without pixels"):
        make_crops([corpus], names, 32, tmp_path / "crops.npy", Quiet())
    assert not (tmp_path / "crops.npy").exists()
