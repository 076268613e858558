from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from funduscope import errors, findings, runtime, scoring

MINI = Path(__file__).parents[2] / "bundles" / "mini"


@pytest.fixture
def prompts(package: Path) -> runtime.Prompts:
    return runtime.Prompts.read(package / runtime.PROMPTS)


def test_what_was_written_is_read(prompts: runtime.Prompts, tmp_path: Path) -> None:
    prompts.write(tmp_path / "again.npz")
    again = runtime.Prompts.read(tmp_path / "again.npz")
    assert again.findings == ("glaucoma", "cataract")
    assert (again.languages, again.scale) == (("en", "zh"), 10.0)
    assert again.bank_record == {"name": "plain", "version": None, "hash": "0123"}
    np.testing.assert_array_equal(again.positive, prompts.positive)
    np.testing.assert_array_equal(again.negative, prompts.negative)
    np.testing.assert_array_equal(again.projection, prompts.projection)


def test_the_version_of_the_bank_is_written_or_known_by_its_hash(
    prompts: runtime.Prompts, tmp_path: Path
) -> None:
    path = tmp_path / "prompts.npz"
    dataclasses.replace(prompts, bank_version=7).write(path)
    assert runtime.Prompts.read(path).bank_version == 7
    old = findings.prompt_bank("plain@1")
    dataclasses.replace(prompts, bank_hash=old.hash).write(path)
    arrays = dict(np.load(path))
    del arrays["bank_version"]  # as packages were written before banks had versions
    np.savez(path, **arrays)
    assert runtime.Prompts.read(path).bank_version == 1


def test_the_package_that_ships_says_which_bank_it_holds() -> None:
    shipped = runtime.Prompts.read(MINI / "package" / runtime.PROMPTS)
    bank = findings.prompt_bank("plain@1")
    assert shipped.bank_record == {"name": "plain", "version": 1, "hash": bank.hash}


def test_version_1_is_what_the_package_that_ships_was_made_from() -> None:
    """The text tower beside it, given version 1, makes the very vectors of the package."""
    model = pytest.importorskip("funduscope.model")
    shipped = runtime.Prompts.read(MINI / "package" / runtime.PROMPTS)
    loaded = model.load(MINI)
    bank = findings.prompt_bank("plain@1")
    for code in ("glaucoma", "media_opacity", "vitreous_degeneration"):
        at = shipped.findings.index(code)
        for column, language in enumerate(shipped.languages):
            for polarity, rows in (("positive", shipped.positive), ("negative", shipped.negative)):
                texts = bank.texts(code, language, polarity)  # type: ignore[arg-type]
                made = scoring.ensemble(model.embed_texts(loaded, texts))
                np.testing.assert_allclose(rows[at, column], made, atol=1e-4)


def test_a_score_uses_the_mean_direction_of_the_languages(prompts: runtime.Prompts) -> None:
    image = prompts.positive[1, 0][None]
    positive = np.stack([scoring.ensemble(words) for words in prompts.positive])
    negative = np.stack([scoring.ensemble(words) for words in prompts.negative])
    expected = scoring.zero_shot(image, positive, negative, 10.0)
    np.testing.assert_allclose(prompts.scores(image), expected)


def test_directions_follow_the_order_asked_for(prompts: runtime.Prompts) -> None:
    positive, negative = prompts.directions(["cataract", "glaucoma"], ["zh"])
    np.testing.assert_allclose(positive, prompts.positive[::-1, 1], atol=1e-6)
    np.testing.assert_allclose(negative, prompts.negative[::-1, 1], atol=1e-6)


def test_activation_means_to_the_difference_of_cosines(
    package: Path, images: np.ndarray, prompts: runtime.Prompts
) -> None:
    embedding, feature_map = runtime.Package.open(package).embed(images)
    cells = prompts.activation(feature_map[2], "cataract")
    positive, negative = prompts.directions(["cataract"], prompts.languages)
    assert cells.shape == (4, 4)
    assert cells.mean() == pytest.approx(float(embedding[2] @ (positive - negative)[0]), abs=1e-5)


@pytest.mark.parametrize(
    ("codes", "languages", "word"), [(["nothing"], ["en"], "nothing"), (["cataract"], ["fr"], "fr")]
)
def test_what_the_package_does_not_hold_is_refused(
    prompts: runtime.Prompts, codes: list[str], languages: list[str], word: str
) -> None:
    with pytest.raises(errors.DataError) as caught:
        prompts.directions(codes, languages)
    assert caught.value.value == word


@pytest.mark.parametrize("spoil", ["text", "missing", "positive", "negative", "projection"])
def test_arrays_that_do_not_fit_are_refused(
    prompts: runtime.Prompts, tmp_path: Path, spoil: str
) -> None:
    path = tmp_path / "prompts.npz"
    prompts.write(path)
    arrays = dict(np.load(path))
    if spoil == "missing":
        del arrays["scale"]
    elif spoil != "text":
        arrays[spoil] = arrays[spoil][:, :1]
    np.savez(path, **arrays)
    if spoil == "text":
        path.write_bytes(b"text")
    with pytest.raises(errors.BundleError, match=r"prompts\.npz"):
        runtime.Prompts.read(path)
