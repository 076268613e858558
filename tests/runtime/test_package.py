from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from funduscope import errors, runtime, store


def test_open_tells_what_is_inside(package: Path) -> None:
    opened = runtime.Package.open(package)
    assert opened.id == json.loads((package / "manifest.json").read_text(encoding="utf-8"))["id"]
    assert opened.image_spec.size == 32
    assert opened.scale == 10.0
    assert opened.reference is not None
    column = opened.prompts.findings.index("cataract")
    ranks = opened.reference.percentiles([0.5] * len(opened.prompts.findings))
    assert ranks[column] == pytest.approx(200 / 3)
    ((name, data, scores),) = opened.self_test()
    assert (name, data, scores.tolist()) == ("a.png", b"picture", [0.75, 0.25])


def _files(package: Path) -> list[str]:
    return sorted(p.relative_to(package).as_posix() for p in package.rglob("*") if p.is_file())


def test_a_changed_byte_in_any_file_is_refused_by_name(package: Path) -> None:
    names = [name for name in _files(package) if name != "manifest.json"]
    assert len(names) == 6
    for name in names:
        path = package / name
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(errors.BundleError) as caught:
            runtime.Package.open(package)
        assert name in caught.value.place
        path.write_bytes(whole)
    runtime.Package.open(package)


def test_a_missing_file_is_refused_by_name(package: Path) -> None:
    (package / runtime.PROMPTS).unlink()
    with pytest.raises(errors.BundleError, match=r"missing[\s\S]*prompts\.npz"):
        runtime.Package.open(package)


@pytest.mark.parametrize("spoil", ["seed", "hash", "unlisted"])
def test_a_changed_manifest_is_refused(package: Path, spoil: str) -> None:
    path = package / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    if spoil == "seed":
        manifest["seed"] = 1
    elif spoil == "hash":
        (package / runtime.IMAGE_SPEC).write_text("{}", encoding="utf-8")
        fact = store.sha256_file(package / runtime.IMAGE_SPEC)
        manifest["files"][runtime.IMAGE_SPEC]["sha256"] = fact
    else:
        del manifest["files"][runtime.IMAGE_TOWER]
    store.write_json(path, manifest)
    with pytest.raises(errors.BundleError, match=r"manifest\.json"):
        runtime.Package.open(package)


def test_another_format_is_refused(package: Path) -> None:
    path = package / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    store.write_json(path, manifest | {"format": 2})
    with pytest.raises(errors.DataError, match="format 2"):
        runtime.Package.open(package)


def test_no_folder_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(errors.DataError, match="funduscope export"):
        runtime.Package.open(tmp_path / "none")


def test_parts_of_two_exports_are_refused(make_package: Callable[..., Path]) -> None:
    with pytest.raises(errors.BundleError, match="one export"):
        runtime.Package.open(make_package("dimensions", dim=7))
    with pytest.raises(errors.BundleError, match="one export"):
        runtime.Package.open(make_package("size", size=64))


@pytest.mark.parametrize(("key", "value"), [("format", 2), ("calibrators", {"cataract": {}})])
def test_a_calibration_of_the_future_is_refused(package: Path, key: str, value: object) -> None:
    from funduscope.runtime.package import _reference

    path = package / runtime.CALIBRATION
    data = json.loads(path.read_text(encoding="utf-8"))
    store.write_json(path, data | {key: value})
    prompts = runtime.Prompts.read(package / runtime.PROMPTS)
    with pytest.raises(errors.BundleError, match=r"calibration\.json"):
        _reference(path, prompts)
    store.write_json(path, data | {"reference": None})
    assert _reference(path, prompts) is None
