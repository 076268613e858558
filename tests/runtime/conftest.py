from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from funduscope import inputs, runtime, store

SIZE, CHANNELS, DIM = 32, 4, 3
FINDINGS = ("glaucoma", "cataract")


def _write_graph(path: Path, *, outputs: tuple[str, str] = ("embedding", "feature_map")) -> None:
    """A one-convolution image tower: feature map (N, 4, 4, 4), embedding (N, 3)."""
    draw = np.random.default_rng(0)
    weights = {
        "kernel": draw.normal(size=(CHANNELS, 3, 8, 8)),
        "projection": projection(),
    }
    embedding, feature_map = outputs
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], [feature_map], strides=[8, 8]),
        helper.make_node("ReduceMean", [feature_map, "cells"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "projection"], ["raw"]),
        helper.make_node("LpNormalization", ["raw"], [embedding], axis=1),
    ]
    side = SIZE // 8
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "tower",
        [value("image", TensorProto.FLOAT, ["N", 3, SIZE, SIZE])],
        [
            value(embedding, TensorProto.FLOAT, ["N", DIM]),
            value(feature_map, TensorProto.FLOAT, ["N", CHANNELS, side, side]),
        ],
        [
            *(numpy_helper.from_array(w.astype(np.float32), n) for n, w in weights.items()),
            numpy_helper.from_array(np.array([2, 3]), "cells"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(model, path)


def projection() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(CHANNELS, DIM)).astype(np.float32)


def make_prompts(dim: int = DIM) -> runtime.Prompts:
    vectors = np.random.default_rng(2).normal(size=(2, len(FINDINGS), 2, dim))
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    return runtime.Prompts(
        findings=FINDINGS,
        languages=("en", "zh"),
        positive=vectors[0].astype(np.float32),
        negative=vectors[1].astype(np.float32),
        projection=projection() if dim == DIM else np.zeros((CHANNELS, dim), np.float32),
        scale=10.0,
        bank="plain",
        bank_hash="0123",
    )


@pytest.fixture
def write_graph() -> Callable[..., None]:
    return _write_graph


@pytest.fixture
def make_package(tmp_path: Path) -> Callable[..., Path]:
    def make(name: str = "package", *, dim: int = DIM, size: int = SIZE) -> Path:
        path = tmp_path / name
        with store.create(path, kind="package", config={}, seed=0) as out:
            _write_graph(path / runtime.IMAGE_TOWER)
            spec = inputs.ImageSpec(size=size)
            store.write_json(path / runtime.IMAGE_SPEC, spec.model_dump(mode="json"))
            make_prompts(dim).write(path / runtime.PROMPTS)
            scores = {code: [0.2, 0.4, 0.6] for code in FINDINGS}
            reference = {"corpus": "c0", "eyes": 3, "scores": scores}
            store.write_json(
                path / runtime.CALIBRATION,
                {"format": 1, "calibrators": {}, "reference": reference},
            )
            (path / runtime.SELF_TEST).mkdir()
            (path / runtime.SELF_TEST / "a.png").write_bytes(b"picture")
            expected = {"a.png": {"cataract": 0.25, "glaucoma": 0.75}}
            (path / runtime.SELF_TEST / "expected.json").write_text(
                json.dumps(expected), encoding="utf-8"
            )
            out.extra["signature"] = None
        return path

    return make


@pytest.fixture
def package(make_package: Callable[..., Path]) -> Path:
    return make_package()


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(3).normal(size=(5, 3, SIZE, SIZE)).astype(np.float32)
