"""The contact sheet of the documentation: twelve drawn photographs with their findings.

Drawn by
    python -c "from funduscope.archive.synthetic.contact import draw_contact_sheet as draw;
    draw('docs/images/synthetic_contact_sheet.jpg')"
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from funduscope.archive.synthetic.cameras import Shot, cameras
from funduscope.archive.synthetic.eyes import draw_eye, draw_patient
from funduscope.archive.synthetic.picture import photograph

_CELL = 330
_CAPTION = 18
_SHOWN: tuple[tuple[str, ...], ...] = (
    (),
    ("optic_disc_cupping",),
    ("dot_blot_hemorrhage", "hard_exudate", "cotton_wool_spot"),
    ("flame_hemorrhage", "cotton_wool_spot"),
    ("drusen",),
    ("laser_scar",),
    ("myopic_crescent", "tessellated_fundus"),
    ("media_opacity",),
    ("erm",),
    ("brvo",),
    ("myelinated_nerve_fibers",),
    ("choroidal_nevus",),
)


def draw_contact_sheet(path: str | Path, *, seed: int = 7) -> None:
    """Write twelve photographs, four a row, eyes and cameras in turn, as one JPEG."""
    sheet = Image.new("RGB", (4 * _CELL, 3 * (_CELL + _CAPTION)))
    pen = ImageDraw.Draw(sheet)
    devices = list(cameras(448).values())
    for index, names in enumerate(_SHOWN):
        rng = np.random.default_rng([seed, index])
        age = int(rng.integers(30, 75))
        eye = draw_eye(rng, draw_patient(rng, age), dict.fromkeys(names, 0.65))
        side = ("OD", "OS")[index % 2]
        shown = photograph(eye, side, devices[index % len(devices)], Shot(), seed)
        picture = Image.fromarray(shown.rgb)
        picture.thumbnail((_CELL, _CELL), Image.Resampling.BOX)
        left, top = index % 4 * _CELL, index // 4 * (_CELL + _CAPTION)
        sheet.paste(picture, (left + (_CELL - picture.width) // 2, top))
        words = ", ".join(name.replace("_", " ") for name in names) or "normal"
        pen.text((left + 6, top + _CELL + 3), f"{side}  {words}", fill=(205, 205, 205))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, "JPEG", quality=84)
