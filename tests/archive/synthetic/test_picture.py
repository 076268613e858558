"""What is drawn is really in the picture, at the place and size that the truth tells."""

from __future__ import annotations

import numpy as np
import pytest

from funduscope.archive.synthetic.cameras import Shot, cameras
from funduscope.archive.synthetic.eyes import FINDINGS, Eye, draw_eye, draw_patient
from funduscope.archive.synthetic.picture import Photograph, photograph

SIZE = 224
CAMERAS = cameras(SIZE)


def eye_with(seed: int, *findings: str, severity: float = 0.6) -> Eye:
    rng = np.random.default_rng(seed)
    return draw_eye(rng, draw_patient(rng, 60), dict.fromkeys(findings, severity))


def shoot(
    eye: Eye, side: str = "OD", camera: str = "FC-45", shot: Shot | None = None
) -> Photograph:
    return photograph(eye, side, CAMERAS[camera], shot or Shot(), 3)


def change(finding: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The drawn region and how much brighter (green) it is than in the same eye without it."""
    sick = eye_with(seed, finding)
    well = Eye(**{**vars(sick), "findings": {}})
    shown, plain = shoot(sick), shoot(well)
    difference = shown.rgb[..., 1].astype(float) - plain.rgb[..., 1]
    return shown.lesions[finding], difference


@pytest.mark.parametrize(
    "finding", ["dot_blot_hemorrhage", "flame_hemorrhage", "brvo", "choroidal_nevus"]
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_blood_and_pigment_darken(finding: str, seed: int) -> None:
    shown = shoot(eye_with(seed, finding))
    mask = shown.lesions[finding]
    assert 5 < mask.sum() < 0.2 * shown.field.sum()
    green = shown.rgb[..., 1].astype(float)
    rows, columns = np.nonzero(mask)
    # The surroundings: a margin around the box, outside the lesion.
    near = np.zeros_like(mask)
    near[max(rows.min() - 8, 0) : rows.max() + 8, max(columns.min() - 8, 0) : columns.max() + 8] = (
        True
    )
    around = near & ~mask & shown.field
    assert green[mask].mean() < green[around].mean() - 8


@pytest.mark.parametrize(
    "finding",
    ["hard_exudate", "cotton_wool_spot", "drusen", "laser_scar", "myopic_crescent",
     "myelinated_nerve_fibers", "erm"],
)  # fmt: skip
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pale_findings_brighten(finding: str, seed: int) -> None:
    mask, difference = change(finding, seed)
    assert mask.sum() > 5
    assert difference[mask].mean() > 5 + difference[~mask].mean()


def test_haze_takes_contrast_away() -> None:
    clear, hazy = shoot(eye_with(4)), shoot(eye_with(4, "media_opacity"))
    center = slice(SIZE // 4, 3 * SIZE // 4)
    assert hazy.rgb[center, center, 1].std() < 0.6 * clear.rgb[center, center, 1].std()


def test_tessellation_adds_texture_away_from_the_macula() -> None:
    def texture(shown: Photograph) -> float:
        green = shown.rgb[..., 1].astype(float)
        inside = shown.field[8:, 8:] & shown.field[:-8, :-8]
        return float(np.abs(green[8:, 8:] - green[:-8, :-8])[inside].mean())

    assert texture(shoot(eye_with(5, "tessellated_fundus"))) > 1.1 * texture(shoot(eye_with(5)))


def test_cup_grows_with_the_ratio() -> None:
    large = shoot(eye_with(6, "optic_disc_cupping", severity=1.0)).lesions["optic_disc_cupping"]
    small = shoot(eye_with(6, "optic_disc_cupping", severity=0.0)).lesions["optic_disc_cupping"]
    assert large.sum() > small.sum() > 0


@pytest.mark.parametrize("camera", list(CAMERAS))
@pytest.mark.parametrize("seed", [1, 2])
def test_disc_lies_on_the_nasal_side(camera: str, seed: int) -> None:
    eye = eye_with(seed, "myopic_crescent")
    for side, nasal in (("OD", 1), ("OS", -1)):
        shown = shoot(eye, side, camera)
        columns = np.nonzero(shown.lesions["myopic_crescent"])[1]
        assert (columns.mean() - shown.rgb.shape[1] / 2) * nasal > 0


def test_left_eye_is_the_mirrored_right_eye() -> None:
    eye = eye_with(7, "hard_exudate", "drusen")
    right, left = shoot(eye, "OD"), shoot(eye, "OS")
    height, width = right.field.shape
    # The field may sit a few pixels off the middle: compare shapes, not places.
    for name in ("hard_exudate", "drusen"):
        assert abs(int(right.lesions[name].sum()) - int(left.lesions[name].sum())) <= 2
        rows, columns = np.nonzero(right.lesions[name])
        mirrored_rows, mirrored = np.nonzero(left.lesions[name])
        assert abs((width - 1 - columns.mean()) - mirrored.mean()) < 6
        assert abs(rows.mean() - mirrored_rows.mean()) < 1
    assert height == CAMERAS["FC-45"].height


def test_dark_and_blurred_shots() -> None:
    eye = eye_with(8)
    good = shoot(eye).rgb[..., 1].astype(float)
    dark = shoot(eye, shot=Shot(0.05, 0.5)).rgb[..., 1].astype(float)
    blurred = shoot(eye, shot=Shot(1.0, 15.0)).rgb[..., 1].astype(float)
    assert dark.mean() < 0.4 * good.mean()
    inner = slice(SIZE // 4, 3 * SIZE // 4)
    assert (
        np.abs(np.diff(blurred[inner, inner])).mean()
        < 0.7 * np.abs(np.diff(good[inner, inner])).mean()
    )


def test_cameras_differ_in_size_and_color() -> None:
    eye = eye_with(9)
    shots = [shoot(eye, camera=name) for name in CAMERAS]
    assert len({shown.rgb.shape for shown in shots}) == len(CAMERAS)
    ratio = [
        shown.rgb[shown.field][:, 2].mean() / shown.rgb[shown.field][:, 0].mean() for shown in shots
    ]
    assert max(ratio) > 1.5 * min(ratio)
    for shown in shots:
        assert shown.rgb[~shown.field].mean() < 12 or shown.field.all()


def test_unknown_finding_is_refused() -> None:
    with pytest.raises(ValueError, match="gold"):
        eye_with(1, "gold")


def test_every_finding_can_be_drawn_together() -> None:
    shown = shoot(eye_with(10, *FINDINGS))
    assert set(shown.lesions) == set(FINDINGS) - {"media_opacity"}
    for mask in shown.lesions.values():
        assert not (mask & ~shown.field).any()
