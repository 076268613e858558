from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from funduscope import inputs
from funduscope.errors import BundleError, ConfigError
from funduscope.evaluate import encoder
from funduscope.findings import prompt_bank

BANK = prompt_bank("plain")
CODES = ["glaucoma", "cataract"]


class Prompts:
    """As `runtime.Prompts`: directions by finding, made from the languages asked for."""

    findings = ("glaucoma", "cataract")

    def __init__(self, bank_hash):
        self.bank_hash = bank_hash

    def directions(self, codes, languages):
        rows = np.eye(4, dtype=np.float32)[[self.findings.index(code) for code in codes]]
        return rows * len(languages), -rows


class Package:
    """As `runtime.Package`: an embedding that says how bright the picture was."""

    id = "package-id"
    scale = 7.0
    image_spec = inputs.ImageSpec(size=32)

    def __init__(self, bank_hash=BANK.hash):
        self.prompts = Prompts(bank_hash)
        self.sizes = []

    def embed(self, images):
        self.sizes.append(len(images))
        return images.mean(axis=(2, 3)), np.zeros((len(images), 4, 1, 1), np.float32)


def test_a_package_embeds_in_batches_and_keeps_names(png_of):
    package = Package()
    made = encoder.PackageEncoder(package)
    named = [(f"i{level}", png_of(level)) for level in range(0, 200, 10)]
    found = list(made.images(named))
    assert [name for names, _ in found for name in names] == [name for name, _ in named]
    levels = np.concatenate([rows for _, rows in found])[:, 0]
    assert (np.diff(levels) > 0).all()  # rows belong to their names
    assert package.sizes == [16, 4]
    assert (made.kind, made.id, made.scale) == ("package", "package-id", 7.0)
    assert made.findings == Prompts.findings


def test_a_package_scores_only_with_the_prompts_it_holds():
    ahead, against = encoder.PackageEncoder(Package()).directions(CODES, BANK, "both")
    assert np.array_equal(ahead, 2 * np.eye(4, dtype=np.float32)[:2])
    assert np.array_equal(against, -np.eye(4, dtype=np.float32)[:2])
    with pytest.raises(ConfigError, match="'plain'"):
        encoder.PackageEncoder(Package("other")).directions(CODES, BANK, "en")


def test_a_package_is_asked_with_the_bank_it_holds_whatever_its_version():
    old = prompt_bank("plain@1")
    assert old.hash != BANK.hash
    made = encoder.PackageEncoder(Package(old.hash))
    assert encoder.bank_for(made, "plain").hash == old.hash
    made.directions(CODES, encoder.bank_for(made, "plain"), "both")
    for other in ("plain@2", "paraphrase"):  # asked for by number, or another bank: refused
        with pytest.raises(ConfigError, match="exported with"):
            made.directions(CODES, encoder.bank_for(made, other), "both")
    bundle = SimpleNamespace(kind="bundle")
    assert encoder.bank_for(bundle, "plain").hash == BANK.hash
    assert encoder.bank_for(bundle, "plain@1").hash == old.hash


def test_a_bundle_weighs_phrasings_then_languages_equally(monkeypatch):
    model = pytest.importorskip("funduscope.model")
    asked = []

    def embed_texts(_loaded, texts):
        asked.append(tuple(texts))
        rows = np.zeros((len(texts), 3), np.float32)
        rows[:, 0] = 1.0
        rows[:, 1 if texts[0].isascii() else 2] = 1.0
        return rows / np.sqrt(2)

    monkeypatch.setattr(model, "embed_texts", embed_texts)
    scale = SimpleNamespace(detach=lambda: 12.5)
    loaded = SimpleNamespace(encoder=SimpleNamespace(scale=scale))
    made = encoder.BundleEncoder("bundle-id", loaded)
    assert (made.kind, made.id, made.scale) == ("bundle", "bundle-id", 12.5)
    ahead, _ = made.directions(["glaucoma"], BANK, "both")
    assert ahead[0] == pytest.approx(np.array([2, 1, 1]) / np.sqrt(6))
    assert set(asked) == {
        BANK.texts("glaucoma", tongue, polarity)
        for tongue in ("en", "zh")
        for polarity in ("positive", "negative")
    }
    english, _ = made.directions(["glaucoma"], BANK, "en")
    assert english[0] == pytest.approx(np.array([1, 1, 0]) / np.sqrt(2))


def test_what_is_neither_bundle_nor_package_is_refused(tmp_path):
    with pytest.raises(BundleError, match=r"no bundle\.json"):
        encoder.open_encoder(tmp_path)
    (tmp_path / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(BundleError):
        encoder.open_encoder(tmp_path)
