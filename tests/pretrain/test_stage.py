from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from funduscope import store, tables
from funduscope.errors import ConfigError, DataError
from funduscope.model import embed_images, embed_texts, load
from funduscope.pretrain import PretrainSettings, pretrain


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "bundle" / "weights.safetensors")


def same(a: Path, b: Path) -> bool:
    one, two = weights(a), weights(b)
    return set(one) == set(two) and all(torch.equal(one[n], two[n]) for n in one)


@pytest.fixture(scope="module")
def run(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unbroken run that others are compared with."""
    out = tmp_path_factory.mktemp("run") / "run"
    pretrain([archive], out, _tiny())
    return out


def _tiny(**changes: object) -> PretrainSettings:
    model = {"image_size": 64, "text_tower": "tiny", "dim": 32, "english_rows": 1000}
    base = {"model": model, "train_size": 64, "steps": 4, "batch": 6, "threads": 1, "workers": 0}
    every = {"checkpoint_every": 1, "log_every": 1}
    return PretrainSettings.model_validate({**base, **every, **changes})


def test_a_run_leaves_log_bundle_and_manifest(run: Path) -> None:
    made = {"bundle", "log.parquet", "manifest.json", "report.html"}
    assert {p.name for p in run.iterdir()} == made
    log = tables.read(tables.LOG, run / "log.parquet")
    assert log["step"].to_list() == [1, 2, 3, 4]
    assert log["images"].to_list() == [6, 12, 18, 24]
    manifest = store.read_manifest(run, "run")
    assert manifest.counts["photographs"] == 20
    assert manifest.extra["bundle_id"] == store.Bundle.open(run).id


def test_the_bundle_embeds_photographs_and_both_languages(run: Path, archive: Path) -> None:
    loaded = load(run)
    pixels = list(store.Corpus.open(archive).pixels())[:3]
    [(names, rows)] = list(embed_images(loaded, pixels))
    assert names == [name for name, _ in pixels]
    assert rows.shape == (3, 32)
    assert torch.allclose(torch.from_numpy(rows).norm(dim=1), torch.ones(3), atol=1e-5)
    texts = embed_texts(loaded, ["glaucoma", "青光眼"])
    assert texts.shape == (2, 32)


def test_labels_are_never_read(archive: Path, run: Path, tmp_path: Path) -> None:
    """Absent and shuffled labels give the same weights, bit for bit."""
    absent, shuffled = tmp_path / "absent", tmp_path / "shuffled"
    for copy in (absent, shuffled):
        shutil.copytree(archive, copy)
    (absent / "labels.parquet").unlink()
    labels = tables.read(tables.LABELS, shuffled / "labels.parquet")
    mixed = labels.with_columns(labels["value"].shuffle(seed=3), labels["image_id"].reverse())
    tables.write(tables.LABELS, mixed, shuffled / "labels.parquet")
    for copy in (absent, shuffled):
        pretrain([copy], tmp_path / f"run-{copy.name}", _tiny())
        assert same(run, tmp_path / f"run-{copy.name}")


def test_another_seed_gives_other_weights(archive: Path, run: Path, tmp_path: Path) -> None:
    pretrain([archive], tmp_path / "run", _tiny(seed=1))
    assert not same(run, tmp_path / "run")


_KILLED = """
import os, signal, sys
from pathlib import Path
from funduscope.pretrain import PretrainSettings, engine, pretrain
save = engine.Trainer.save
def save_and_die(self, path):
    save(self, path)
    if self.step == 2:
        os.kill(os.getpid(), signal.SIGKILL)
engine.Trainer.save = save_and_die
settings = PretrainSettings.model_validate_json(sys.argv[3])
pretrain([Path(sys.argv[1])], Path(sys.argv[2]), settings)
"""


def test_killed_then_resumed_equals_unbroken(archive: Path, run: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = [sys.executable, "-c", _KILLED, str(archive), str(out), _tiny().model_dump_json()]
    died = subprocess.run(words, capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    with pytest.raises(DataError, match=f"pretrain {archive} {out} --resume"):
        load(out)
    with pytest.raises(DataError, match="--resume`; or add --force"):
        pretrain([archive], out, _tiny())
    pretrain([archive], out, _tiny(), resume=True)
    assert same(run, out)


def test_resume_with_other_settings_is_refused(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    state = {"kind": "run", "config": {}, "seed": 0, "inputs": []}
    store.write_json(out / ".unfinished.json", state)
    with pytest.raises(DataError, match="other inputs, accumulation"):
        pretrain([archive], out, _tiny(), resume=True)


def test_a_batch_larger_than_the_patients_is_refused(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="set batch to 10 or less"):
        pretrain([archive], tmp_path / "run", _tiny(batch=11))
    assert not (tmp_path / "run").exists()


def test_bundle_json_names_what_it_was_trained_on(run: Path, archive: Path) -> None:
    spec = json.loads((run / "bundle" / "bundle.json").read_text(encoding="utf-8"))
    assert spec["corpora"] == [store.Corpus.open(archive).id]
    assert spec["withheld"] == []
    assert spec["recipe"]["steps"] == 4


def test_a_licence_that_is_not_there_is_refused_before_training(
    archive: Path, tmp_path: Path
) -> None:
    settings = PretrainSettings(licence=str(tmp_path / "LICENSE"))
    with pytest.raises(ConfigError, match="licence"):
        pretrain([archive], tmp_path / "run", settings)
    assert not (tmp_path / "run").exists()


def test_a_size_that_the_tower_cannot_read_is_refused_before_training(
    archive: Path, vit: str, tmp_path: Path
) -> None:
    model = {"image_size": 64, "text_tower": "tiny", "dim": 32, "image_tower": vit}
    with pytest.raises(ConfigError, match="train_size"):
        pretrain([archive], tmp_path / "run", _tiny(model=model, train_size=72))


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with a random vision transformer of two blocks."""
    from transformers import ViTConfig, ViTModel

    folder = tmp_path_factory.mktemp("vit")
    config = ViTConfig(
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=64,
        patch_size=16,
    )
    ViTModel(config, add_pooling_layer=False).save_pretrained(folder)
    return f"transformers:{folder}"


def test_a_transformer_learns_with_hidden_patches_in_parts(
    archive: Path, vit: str, tmp_path: Path
) -> None:
    model = {"image_size": 64, "text_tower": "tiny", "dim": 32, "image_tower": vit}
    settings = _tiny(model=model, masked=1.0, chunk=2, accumulation=2, layer_decay=0.5, steps=2)
    bundle = pretrain([archive], tmp_path / "run", settings)
    assert bundle.spec["recipe"]["model"]["image_tower"].startswith("transformers:vit")
    assert load(tmp_path / "run").encoder.image.width == 24


def test_parts_of_a_batch_are_refused_while_statistics_are_its_own(
    archive: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="set normalization=frozen"):
        pretrain([archive], tmp_path / "run", _tiny(chunk=3))
    pretrain([archive], tmp_path / "frozen", _tiny(chunk=3, normalization="frozen", steps=1))


def test_frozen_normalization_keeps_the_statistics(archive: Path, tmp_path: Path) -> None:
    pretrain([archive], tmp_path / "run", _tiny(normalization="frozen", steps=2))
    statistics = "image.body._bn0.running_mean"
    from funduscope.model.image_tower import EfficientNetLite

    before = EfficientNetLite(pretrained=True).state_dict()[statistics.removeprefix("image.")]
    assert torch.equal(weights(tmp_path / "run")[statistics], before.half())


@pytest.mark.parametrize("objective", ["sigmoid", "patient", "findings"])
def test_every_objective_trains(objective: str, archive: Path, tmp_path: Path) -> None:
    pretrain([archive], tmp_path / "run", _tiny(objective=objective, steps=2))
    log = tables.read(tables.LOG, tmp_path / "run" / "log.parquet")
    assert log["loss"].is_finite().all()


def test_a_locked_image_tower_stays_as_it_is(archive: Path, run: Path, tmp_path: Path) -> None:
    """LiT (Zhai et al., CVPR 2022): the text learns to read a locked image tower."""
    model = {"image_size": 64, "text_tower": "tiny", "dim": 32, "english_rows": 1000}
    settings = _tiny(model=model | {"train_image": "frozen"}, start=str(run), seed=3)
    bundle = pretrain([archive], tmp_path / "run", settings)
    one, two = weights(run), weights(tmp_path / "run")
    assert all(torch.equal(one[n], two[n]) for n in one if n.startswith("image."))
    for name in ("text.body.encoder.layer.1.output.dense.weight", "text_projection.weight"):
        assert not torch.equal(one[name], two[name])
    assert bundle.spec["parent"] == store.Bundle.open(run).id
    assert bundle.spec["recipe"]["start"] == "run"


def test_a_bundle_of_other_pictures_is_not_continued(
    archive: Path, run: Path, tmp_path: Path
) -> None:
    model = {"image_size": 96, "text_tower": "tiny", "dim": 32, "english_rows": 1000}
    with pytest.raises(ConfigError, match="image spec"):
        pretrain([archive], tmp_path / "run", _tiny(model=model, start=str(run)))


def test_a_teacher_is_listened_to(archive: Path, run: Path, tmp_path: Path) -> None:
    pretrain([archive], tmp_path / "taught", _tiny(teacher=str(run), seed=1))
    pretrain([archive], tmp_path / "alone", _tiny(seed=1))
    assert not same(tmp_path / "taught", tmp_path / "alone")


def test_a_run_that_falls_apart_stops_with_its_batch(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(DataError, match=r"stopped_batch\.json") as caught:
        pretrain([archive], out, _tiny(learning_rate=1e30, head_rate=1e30, warmup=0, steps=30))
    assert caught.value.code == "training_stopped"
    told = json.loads((out / "work" / "stopped_batch.json").read_text(encoding="utf-8"))
    assert len(told["images"]) == 6
    assert set(told["texts"]) <= {text for text in told["texts"] if text}


def test_a_full_disk_leaves_the_checkpoint_before(
    archive: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, written = tmp_path / "run", []

    def full(path: Path, data: bytes) -> None:
        written.append(path.name)
        if written.count("checkpoint.pt") > 2:
            raise OSError(28, "No space left on device")
        real(path, data)

    real = store.write_bytes
    monkeypatch.setattr(store, "write_bytes", full)
    with pytest.raises(DataError, match="free space on that disk, then go on with --resume"):
        pretrain([archive], out, _tiny())
    monkeypatch.undo()
    assert not list(out.rglob("*.part"))
    pretrain([archive], out, _tiny(), resume=True)
    assert same(run, out)
