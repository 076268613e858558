"""The image tower of a package, run by onnxruntime on the CPU.

Arrays: N images, S side of the input, D embedding dimensions, C channels, h x w cells.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from funduscope.errors import BundleError

Floats = npt.NDArray[np.float32]

INPUT = "image"
OUTPUTS = ("embedding", "feature_map")
# More images at once need more memory and are no faster on a CPU.
BATCH = 16
# onnxruntime has no common base of its exceptions
_LOAD_ERRORS = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)


class Tower:
    """One onnxruntime session of an image tower.

    Attributes:
        size: side S of the input, px.
        dim: length D of an embedding.
    """

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        """Load the graph `path`; `threads` None lets onnxruntime take every physical core.

        Raises:
            BundleError: onnxruntime cannot read the file, or the graph has other inputs or
                outputs than a package of format 1.
        """
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3  # errors; the rest is for developers of onnxruntime
        try:
            self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except _LOAD_ERRORS as error:
            raise _misfit(path, str(error)) from error
        (image, *others) = self._session.get_inputs()
        outputs = {item.name: item.shape for item in self._session.get_outputs()}
        if image.name != INPUT or others or tuple(outputs) != OUTPUTS:
            raise _misfit(path, f"input {image.name}, outputs {', '.join(outputs)}")
        self.size = int(image.shape[2])
        self.dim = int(outputs["embedding"][1])

    def embed(self, image_N3SS: npt.ArrayLike) -> tuple[Floats, Floats]:  # noqa: N803
        """Embeddings (N, D), unit rows, and feature maps (N, C, h, w) of prepared photographs.

        Args:
            image_N3SS: float32 (N, 3, S, S) as `inputs.prepare` makes them; N of at least 1.

        Raises:
            ValueError: another shape.
        """
        batch = np.ascontiguousarray(image_N3SS, dtype=np.float32)
        if batch.ndim != 4 or batch.shape[1:] != (3, self.size, self.size) or len(batch) == 0:
            raise ValueError(f"images of shape {batch.shape}, not (N, 3, {self.size}, {self.size})")
        parts = [
            self._session.run(OUTPUTS, {INPUT: batch[at : at + BATCH]})
            for at in range(0, len(batch), BATCH)
        ]
        embedding, feature_map = (np.concatenate(rows) for rows in zip(*parts, strict=True))
        return embedding, feature_map


def _misfit(path: Path, value: str) -> BundleError:
    return BundleError(
        value,
        place=str(path),
        rule=f"an ONNX graph with the input {INPUT} and the outputs {', '.join(OUTPUTS)}",
        remedy="export the package again, or install a newer onnxruntime",
    )
