from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from funduscope.errors import DataError
from funduscope.pages.pictures import data_uri, tint

ORANGE = np.full((40, 60, 3), (180, 80, 30), dtype=np.uint8)


def opened(uri: str) -> Image.Image:
    head, _, body = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(body, validate=True)))


def test_a_photograph_becomes_a_small_jpeg_without_metadata():
    image = opened(data_uri(ORANGE, longest_side=30))
    assert image.size == (30, 20)
    assert not image.getexif()
    assert np.abs(np.asarray(image, dtype=int) - ORANGE[0, 0]).max() < 12
    assert opened(data_uri(ORANGE, longest_side=500)).size == (60, 40)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused(wrong):
    with pytest.raises(DataError, match="uint8"):
        data_uri(wrong, longest_side=10)


def test_tint_grows_with_the_share_and_leaves_the_rest_alone():
    shares = np.full((40, 60), -1.0, dtype=np.float32)
    shares[10, 10], shares[20, 20], shares[30, 30] = 1.0, 2.0, 4.0
    tinted = tint(ORANGE, shares)
    assert (tinted[shares <= 0] == ORANGE[shares <= 0]).all()
    change = np.abs(tinted.astype(int) - ORANGE.astype(int)).sum(axis=2)
    assert 0 < change[10, 10] < change[20, 20] < change[30, 30]
    assert (tint(ORANGE, shares * 7) == tinted).all()
    assert (tint(ORANGE, -np.abs(shares)) == ORANGE).all()


@pytest.mark.parametrize("shares", [np.zeros((7, 7)), np.full((40, 60), np.nan)])
def test_a_map_that_does_not_fit_is_refused(shares):
    with pytest.raises(DataError, match="one value for each pixel"):
        tint(ORANGE, shares.astype(np.float32))
