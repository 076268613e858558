from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from funduscope import deploy, errors, findings, inputs, runtime, scoring, store
from funduscope.deploy import ExportSettings, export

pytestmark = pytest.mark.usefixtures("fake_model")


def _read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_package_of_format_1_is_whole_and_small(package: Path) -> None:
    manifest = _read(package / "manifest.json")
    assert (manifest["kind"], manifest["format"]) == ("package", 1)
    assert manifest["signature"] is None
    assert [item["kind"] for item in manifest["inputs"]] == ["bundle", "corpus"]
    expected = {
        "image_tower.onnx", "image_spec.json", "prompts.npz", "calibration.json", "parity.json",
        "card.md", "LICENSE", "selftest/expected.json", "selftest/left.jpg", "selftest/right.jpg",
        "selftest/small.png",
    }  # fmt: skip
    assert set(manifest["files"]) == expected
    assert sum(fact["bytes"] for fact in manifest["files"].values()) < 20_000_000
    assert (package / "LICENSE").read_text(encoding="utf-8") == "Apache-2.0, in full\n"
    card = (package / "card.md").read_text(encoding="utf-8")
    assert card.startswith("# A tiny bundle")
    assert "unsigned" in card


def test_the_graph_is_folded_and_tells_nothing_of_the_machine(package: Path) -> None:
    model = onnx.load(package / "image_tower.onnx")
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("Conv") == 2
    assert "BatchNormalization" not in kinds
    data = (package / "image_tower.onnx").read_bytes()
    assert str(Path(__file__).parents[2]).encode() not in data
    assert b".py" not in data
    shape = model.graph.input[0].type.tensor_type.shape.dim
    assert [d.dim_param or d.dim_value for d in shape][1:] == [3, 64, 64]
    assert shape[0].dim_param


def test_parity_with_torch_is_recorded(package: Path) -> None:
    parity = _read(package / "parity.json")
    assert parity["images"] == 3 + 8
    assert parity["largest_score_difference"] < 1e-4
    assert parity["largest_projected_map_difference"] < 1e-4


def test_prompts_are_those_of_the_bank(package: Path) -> None:
    prompts = runtime.Package.open(package).prompts
    bank = findings.prompt_bank("plain")
    assert prompts.findings == bank.written
    said = {"name": "plain", "version": bank.version, "hash": bank.hash}
    assert prompts.bank_record == said
    assert _read(package / "manifest.json")["prompt_bank"] == said | {"from_vocabulary": {}}
    assert f"version {bank.version} (`{bank.hash[:12]}`)" in (package / "card.md").read_text(
        "utf-8"
    )
    assert prompts.languages == ("en", "zh")
    for words in (prompts.positive, prompts.negative):
        assert words.shape == (len(bank.written), 2, prompts.dim)
        np.testing.assert_allclose(np.linalg.norm(words, axis=-1), 1, atol=1e-5)


def test_percentiles_are_counted_among_the_validation_eyes(
    package: Path, draw_photograph: Callable[..., bytes]
) -> None:
    opened = runtime.Package.open(package)
    images = np.stack(
        [
            inputs.prepare(draw_photograph(n), opened.image_spec, name=str(n)).image
            for n in range(4, 12)
        ]
    )
    scores = np.sort(opened.prompts.scores(opened.embed(images)[0]), axis=0)
    reference = opened.reference
    assert reference is not None
    assert reference.eyes == 8
    np.testing.assert_allclose(reference.scores, scores.T, atol=1e-5)
    findings = len(opened.prompts.findings)
    assert reference.percentiles(np.zeros(findings)).tolist() == [0] * findings
    assert reference.percentiles(np.ones(findings)).tolist() == [100] * findings


@pytest.mark.usefixtures("same_graph")
def test_many_eyes_are_kept_as_quantiles(bundle: Path, corpus: Path, tmp_path: Path) -> None:
    settings = ExportSettings(reference_points=11, findings=("glaucoma",), languages=("zh",))
    from funduscope.deploy.export import _quantiles

    scores = np.random.default_rng(0).random((500, 3))
    kept = _quantiles(scores, settings.reference_points)
    assert kept.shape == (11, 3)
    for value in (0.1, 0.52, 0.97):
        full = scoring.percentile(value, np.sort(scores[:, 1]))
        assert scoring.percentile(value, kept[:, 1]) == pytest.approx(float(full), abs=10)
    made = deploy.export(bundle, tmp_path / "package", settings, corpus=corpus)
    assert made.prompts.findings == ("glaucoma",)
    assert made.prompts.positive.shape == (1, 1, 8)


def test_two_exports_are_the_same_bytes(
    bundle: Path, corpus: Path, package: Path, tmp_path: Path
) -> None:
    again = deploy.export(bundle, tmp_path / "package", corpus=corpus)
    assert again.id == runtime.Package.open(package).id


@pytest.mark.usefixtures("same_graph")
def test_without_a_corpus_there_is_no_percentile(bundle: Path, tmp_path: Path) -> None:
    made = deploy.export(bundle, tmp_path / "package")
    assert made.reference is None
    assert _read(tmp_path / "package" / "parity.json")["images"] == 3
    answer = deploy.Predictor(tmp_path / "package").predict(
        tmp_path / "package" / "selftest" / "left.jpg"
    )
    assert {f.percentile for f in answer.findings} == {None}


@pytest.mark.usefixtures("same_graph")
def test_disagreement_is_refused_and_leaves_no_package(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = runtime.Tower.embed

    def skewed(self: runtime.Tower, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        embedding, feature_map = whole(self, images)
        embedding[:, 0] += 0.01
        return embedding / np.linalg.norm(embedding, axis=1, keepdims=True), feature_map

    monkeypatch.setattr(runtime.Tower, "embed", skewed)
    with pytest.raises(errors.ParityError, match="largest_score_difference"):
        deploy.export(bundle, tmp_path / "package")
    with pytest.raises(errors.DataError, match="unfinished"):
        runtime.Package.open(tmp_path / "package")


@pytest.mark.usefixtures("same_graph")
def test_a_projection_that_is_not_the_towers_is_refused(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = export.__globals__["_Export"]._embed_prompts

    def other(self: object) -> runtime.Prompts:
        prompts = whole(self)
        prompts.projection[:, 0] *= 1.5
        return prompts

    monkeypatch.setattr(export.__globals__["_Export"], "_embed_prompts", other)
    with pytest.raises(errors.ParityError, match="largest_projected_map_difference"):
        deploy.export(bundle, tmp_path / "package")


@pytest.mark.usefixtures("same_graph")
def test_bad_requests_are_refused(
    bundle: Path, corpus: Path, package: Path, tmp_path: Path
) -> None:
    with pytest.raises(errors.ConfigError, match="no_such_finding"):
        deploy.export(bundle, tmp_path / "a", ExportSettings(findings=("no_such_finding",)))
    with pytest.raises(errors.DataError, match="finished"):
        deploy.export(bundle, package, corpus=corpus)
    with pytest.raises(errors.BundleError):
        deploy.export(corpus, tmp_path / "b")


@pytest.mark.usefixtures("same_graph")
def test_a_corpus_without_validation_eyes_is_refused(
    bundle: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = store.Corpus.open(corpus)
    images = opened.images.filter(opened.images["split"] == "test")
    monkeypatch.setattr(store.Corpus, "images", images)
    with pytest.raises(errors.DataError, match="no photograph in the split val"):
        deploy.export(bundle, tmp_path / "package", corpus=corpus)


def test_a_bundle_without_a_license_is_refused(bundle: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    store.write_json(bare / "bundle.json", {"format": 1, "id": "b1"})
    (bare / "weights.safetensors").write_bytes(b"")
    with pytest.raises(errors.BundleError, match="no license"):
        deploy.export(bare, tmp_path / "package")
