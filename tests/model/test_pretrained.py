from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from funduscope.errors import ConfigError
from funduscope.model.pretrained import empty_part, folder_of, load_part, plain_config


def refused(folder: object) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_part(f"transformers:{folder}", "vision", "model.image_tower")
    error = caught.value
    assert str(folder) in error.value
    assert error.place == "model.image_tower"
    assert "save_pretrained" in error.rule
    assert error.remedy
    return error


@pytest.fixture
def copy(folder_of, tmp_path: Path) -> Path:
    return shutil.copytree(folder_of("vit"), tmp_path / "copy")


def change(folder: Path, **values: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_missing_folder_or_file_is_named(tmp_path: Path, copy: Path) -> None:
    assert "no such folder" in refused(tmp_path / "nowhere").value
    assert "no config.json" in refused(tmp_path).value
    (copy / "model.safetensors").unlink()
    assert "model.safetensors" in refused(copy).value
    (copy / "config.json").write_text("{")
    assert "config.json cannot be read" in refused(copy).value


def test_a_model_is_loaded_whole_or_not_at_all(copy: Path) -> None:
    change(copy, num_hidden_layers=2)
    assert "does not ask for" in refused(copy).value
    change(copy, num_hidden_layers=4)
    assert "missing tensor 'layers.3." in refused(copy).value
    change(copy, num_hidden_layers=3, intermediate_size=40)
    assert "do not fit" in refused(copy).value


def test_cut_short_weights_are_refused(copy: Path) -> None:
    file = copy / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    assert "cannot be read" in refused(copy).value


def test_a_part_that_is_not_there_is_refused(folder_of, tmp_path: Path) -> None:
    copy = shutil.copytree(folder_of("chinese_clip"), tmp_path / "copy")
    tensors = load_file(copy / "model.safetensors")
    kept = {n: t for n, t in tensors.items() if not n.startswith("vision_model.")}
    save_file(kept, copy / "model.safetensors", {"format": "pt"})
    assert "missing tensor 'vision_model." in refused(copy).value


def test_a_folder_never_touches_the_network(folder_of, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: object) -> None:
        raise AssertionError("network")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", connect)
    load_part(f"transformers:{folder_of('vit')}", "vision", "here")
    load_part(f"transformers:{folder_of('bert')}", "text", "here")


@pytest.mark.parametrize("name", ["owner/model", "no good name!"])
def test_a_hub_id_without_network_says_so(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(ConfigError, match="as a hub id") as caught:
        folder_of(f"transformers:{name}", "model.text_tower")
    assert "where there is a network" in caught.value.remedy


def test_a_hub_id_is_the_folder_it_was_downloaded_to(
    folder_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    monkeypatch.setattr(
        huggingface_hub, "snapshot_download", lambda name, **_: str(folder_of(name.split("/")[1]))
    )
    part = load_part("transformers:owner/vit", "vision", "here")
    assert part.config.model_type == "vit"


@pytest.mark.parametrize(
    ("kind", "part"),
    [("vit", "vision"), ("siglip", "vision"), ("siglip", "text"), ("chinese_clip", "text")],
)
def test_a_part_is_made_again_from_plain_data(folder_of, kind, part) -> None:
    folder = folder_of(kind)
    made = load_part(f"transformers:{folder}", part, "here")
    plain = json.loads(json.dumps(plain_config(made)))
    assert str(folder) not in json.dumps(plain)
    again = empty_part(plain)
    assert plain_config(again) == plain
    assert type(again) is type(made)
    shapes = {n: t.shape for n, t in made.state_dict().items()}
    assert {n: t.shape for n, t in again.state_dict().items()} == shapes
    assert not any("pooler" in n or n.startswith("head") for n in shapes)
    assert {p.dtype for p in made.parameters()} == {torch.float32}
