from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from funduscope import errors, runtime
from funduscope.runtime.tower import BATCH


def test_embeds_unit_rows_from_the_mean_of_the_feature_map(
    package: Path, images: np.ndarray
) -> None:
    opened = runtime.Package.open(package, threads=1)
    embedding, feature_map = opened.embed(images)
    assert embedding.shape == (5, 3)
    assert feature_map.shape == (5, 4, 4, 4)
    expected = feature_map.mean(axis=(2, 3)) @ opened.prompts.projection
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(embedding, expected, atol=1e-5)


def test_an_image_gets_the_same_embedding_in_any_batch(package: Path, images: np.ndarray) -> None:
    tower = runtime.Package.open(package, threads=1).tower
    many = np.concatenate([images] * 8)
    assert len(many) > 2 * BATCH
    together, maps = tower.embed(many)
    assert together.shape == (40, 3)
    assert maps.shape == (40, 4, 4, 4)
    for at in (0, BATCH, 39):
        np.testing.assert_allclose(together[at], tower.embed(many[at][None])[0][0], atol=1e-6)


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 3, 31, 32), (1, 1, 32, 32), (0, 3, 32, 32)])
def test_other_shapes_are_refused(package: Path, shape: tuple[int, ...]) -> None:
    tower = runtime.Package.open(package).tower
    with pytest.raises(ValueError, match=r"not \(N, 3, 32, 32\)"):
        tower.embed(np.zeros(shape, np.float32))


def test_a_file_that_is_no_graph_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"not a graph")
    with pytest.raises(errors.BundleError, match=r"broken\.onnx"):
        runtime.Tower(path)


def test_a_graph_with_other_outputs_is_refused(
    tmp_path: Path, write_graph: Callable[..., None]
) -> None:
    write_graph(tmp_path / "other.onnx", outputs=("features", "feature_map"))
    with pytest.raises(errors.BundleError, match="outputs features, feature_map"):
        runtime.Tower(tmp_path / "other.onnx")
