from __future__ import annotations

import numpy as np
import pytest
from PIL import Image


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        ("text", "photographs with text outside the circle: none of it shown"),
        ("turned", "photographs with an EXIF orientation stored upright"),
    ],
)
def test_pixels_are_looked_at(made, judge, truth, tmp_path, spoil, name):
    picture = made.scene(1).copy()
    if spoil == "text":
        # The box (2 3 20 10) of a file that is turned by a quarter lies at the upper right.
        picture[2:21:4, -11:-3] = 255
    else:
        picture = np.asarray(Image.fromarray(picture).transpose(Image.Transpose.ROTATE_90))
    corpus = made.write(judge, tmp_path / "corpus", made.right(), {"1_OS": made.encoded(picture)})
    assert name in made.missed(judge, truth, corpus)
