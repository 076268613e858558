"""Zero-shot scores: how much nearer a photograph is to the words for a finding than to the
words against it.

Arrays: N images, F findings, K prompts, D embedding dimensions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funduscope.errors import DataError

# float16 weights keep unit rows within about 1e-3 of length 1
_UNIT_TOLERANCE = 1e-2


def ensemble(rows: ArrayLike) -> NDArray[np.float32]:
    """One unit vector (D,) for several phrasings: the mean of unit rows (K, D), renormalized.

    Rows need not be of length 1; each counts equally.

    Raises:
        DataError: no rows, a row that is zero or not finite, or phrasings that cancel out.

    Source: prompt ensembling of CLIP, Radford et al. 2021 (arXiv 2103.00020), section 3.1.4.
    """
    values = np.asarray(rows, dtype=np.float64)
    place = "scoring.ensemble"
    if values.ndim != 2 or values.shape[0] == 0:
        raise DataError(
            f"an array of shape {values.shape}",
            place=place,
            rule="prompt embeddings (K, D) with K of at least 1",
            remedy="give the finding at least one prompt",
        )
    mean = (values / _lengths(values, place=place)).mean(axis=0)
    result: NDArray[np.float32] = (mean / _lengths(mean[None], place=place)[0]).astype(np.float32)
    return result


def _lengths(values: NDArray[np.float64], *, place: str) -> NDArray[np.float64]:
    """Lengths (K, 1) of rows, refused where a direction does not exist."""
    lengths: NDArray[np.float64] = np.linalg.norm(values, axis=1, keepdims=True)
    bad = ~(np.isfinite(lengths) & (lengths > 1e-6))
    if bad.any():
        raise DataError(
            f"a vector of length {lengths[bad][0]}",
            place=place,
            rule="embeddings are finite and not zero",
            remedy="check the text tower and the prompts",
        )
    return lengths


def zero_shot(
    images: ArrayLike, positive: ArrayLike, negative: ArrayLike, scale: float
) -> NDArray[np.float64]:
    """Scores (N, F) in 0..1: sigmoid(scale x (cosine to positive - cosine to negative)).

    A score ranks photographs; it is no probability until calibrated with labels. float64 on
    purpose: near 1 a float32 has steps of 6e-8, so that differences beyond about 16 / scale
    would become ties and cost AUROC.

    Args:
        images: (N, D) unit rows.
        positive: (F, D) unit rows, one ensemble a finding.
        negative: (F, D) unit rows, in the same order.
        scale: positive; how steeply a difference of cosines becomes a score.

    Raises:
        DataError: shapes that do not fit, rows that are not of length 1, a scale not positive.
    """
    place = "scoring.zero_shot"
    image_rows, for_rows, against_rows = (
        _unit_rows(rows, name, place=place)
        for rows, name in ((images, "images"), (positive, "positive"), (negative, "negative"))
    )
    if for_rows.shape != against_rows.shape or image_rows.shape[1] != for_rows.shape[1]:
        raise DataError(
            f"images {image_rows.shape}, positive {for_rows.shape}, negative {against_rows.shape}",
            place=place,
            rule="images (N, D), positive (F, D) and negative (F, D) share D and F",
            remedy="embed photographs and prompts with the same bundle",
            code="bad_shape",
        )
    if not (np.isfinite(scale) and scale > 0):
        raise DataError(
            scale,
            place=f"{place}, scale",
            rule="a positive number",
            remedy="pass the scale of the bundle",
        )
    logits = scale * (image_rows @ (for_rows - against_rows).T)
    # tanh does not overflow where exp would
    result: NDArray[np.float64] = 0.5 * (1 + np.tanh(logits / 2))
    return result


def _unit_rows(rows: ArrayLike, name: str, *, place: str) -> NDArray[np.float64]:
    values = np.asarray(rows, dtype=np.float64)
    if values.ndim != 2:
        raise DataError(
            f"an array of shape {values.shape}",
            place=f"{place}, {name}",
            rule="two dimensions: rows x D",
            remedy="stack the embeddings into one array",
            code="bad_shape",
        )
    off = np.abs(np.linalg.norm(values, axis=1) - 1)
    if not (off <= _UNIT_TOLERANCE).all():
        at = int(np.argmax(~(off <= _UNIT_TOLERANCE)))
        raise DataError(
            f"length {np.linalg.norm(values[at]):.4g}",
            place=f"{place}, {name}, row {at}",
            rule="rows are unit vectors",
            remedy="divide each embedding by its length, as the towers do",
            code="not_unit",
        )
    return values
