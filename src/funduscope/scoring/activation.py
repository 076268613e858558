"""Where in the photograph a score comes from, exactly: class activation maps.

The image embedding is `unit(mean over cells of feature_map, projected)`. Projection and mean are
linear, so a cosine is the mean over cells of each cell's own share: nothing is approximated and
no gradient is needed.

Source: Zhou et al., Learning Deep Features for Discriminative Localization, CVPR 2016.

Arrays: C channels, h x w cells, D embedding dimensions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from funduscope.errors import DataError


def activation_map(
    feature_map: ArrayLike, projection: ArrayLike | None, direction: ArrayLike
) -> NDArray[np.float64]:
    """Each cell's share (h, w) of the cosine between a photograph and a direction.

    The mean over cells is `embedding . direction`. With `direction = positive - negative` that is
    the difference of cosines which `zero_shot` turns into a score: cells above zero speak for the
    finding, cells below against it.

    Args:
        feature_map: (C, h, w) of one photograph.
        projection: (C, D), the linear map into the embedding; None when the feature map is
            already projected (C = D).
        direction: (D,).

    Raises:
        DataError: shapes that do not fit, or a feature map without a direction (all zero).
    """
    cells = np.asarray(feature_map, dtype=np.float64)
    toward = np.asarray(direction, dtype=np.float64)
    linear = None if projection is None else np.asarray(projection, dtype=np.float64)
    place = "scoring.activation_map"
    fits = cells.ndim == 3 and toward.ndim == 1
    if fits:
        wanted = (cells.shape[0], toward.size)
        fits = wanted[0] == wanted[1] if linear is None else linear.shape == wanted
    if not fits:
        raise DataError(
            f"feature map {cells.shape}, projection "
            f"{None if linear is None else linear.shape}, direction {toward.shape}",
            place=place,
            rule="(C, h, w), (C, D) and (D,)",
            remedy="take all three from the same bundle or package",
            code="bad_shape",
        )
    mean = cells.mean(axis=(1, 2))
    length = float(np.linalg.norm(mean if linear is None else mean @ linear))
    if not (np.isfinite(length) and length > 0):
        raise DataError(
            f"an embedding of length {length}",
            place=place,
            rule="the mean of the feature map has a direction",
            remedy="check the photograph and the image tower",
        )
    per_channel = toward if linear is None else linear @ toward
    result: NDArray[np.float64] = np.tensordot(per_channel, cells, axes=1) / length
    return result


def enlarge(cells: ArrayLike, size: tuple[int, int]) -> NDArray[np.float32]:
    """A map (h, w) at `size` (height, width) for display, bilinear between cell centers."""
    image = Image.fromarray(np.ascontiguousarray(cells, dtype=np.float32))
    height, width = size
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR), dtype=np.float32)
