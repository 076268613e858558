"""What is drawn: one eye's anatomy and findings as plain numbers, before any pixel.

Sizes, with their source:

- Optic disc: vertical diameter 1.8 (1.0-3.0) mm, horizontal 1.7 mm (Jonas, Gusek, Naumann, Invest
  Ophthalmol Vis Sci 1988;29:1151); drawn 1.5-1.9 mm, a seventh of a 45-degree field's diameter.
- Disc center to fovea: 4.76 (SD 0.34) mm, disc about 0.5 mm above (Jonas et al., Sci Rep
  2015;5:17750); drawn 4.3-5.0 mm.
- Cup/disc ratio: normal mean 0.4, glaucomatous from about 0.65-0.7 (Jonas, Budde, Panda-Jonas,
  Surv Ophthalmol 1999;43:293).
- Central vein at the disc edge: about 125 um, used as a yardstick in ETDRS grading (Ophthalmology
  1991;98:786); artery/vein calibre about 2:3 (Hubbard et al., Ophthalmology 1999;106:2269).
- Microaneurysm: under 125 um; larger red dots are haemorrhages (ETDRS, as above).
- Hard exudates: waxy yellow, from about 50 um to confluent rings; cotton-wool spots: a quarter to
  a third of a disc diameter, within three disc diameters of the disc (Schmidt, Br J Ophthalmol
  2008;92:1165 and the ETDRS pictures).
- Drusen: small < 63, medium 63-125, large > 125 um (AREDS, Ophthalmology 2001;108:2224 and
  Ferris et al., Ophthalmology 2013;120:844).
- Laser burns: 200-500 um spots, about one burn apart (Diabetic Retinopathy Study, Ophthalmology
  1981;88:583).
- Nevus: under 5 mm across, slate grey, flat (Shields et al., Arch Ophthalmol 2009;127:981).
- Crescent: ratio of crescent to disc width 0.2-1 in myopic eyes (Jonas et al., as above).
- Myelinated fibers: most patches about one disc area, by the disc (Straatsma et al., Am J
  Ophthalmol 1981;91:25).
- Occluded branch vein: haemorrhages in the sector drained by it, mostly upper temporal (Hayreh and
  Zimmerman, Ophthalmology 2014;121:1310).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from funduscope.archive.synthetic.frame import Rng

FINDINGS = (
    "optic_disc_cupping",
    "dot_blot_hemorrhage",
    "flame_hemorrhage",
    "hard_exudate",
    "cotton_wool_spot",
    "drusen",
    "laser_scar",
    "myopic_crescent",
    "tessellated_fundus",
    "media_opacity",
    "erm",
    "brvo",
    "myelinated_nerve_fibers",
    "choroidal_nevus",
)
"""Codes of the findings that can be drawn (those of the vocabulary)."""


@dataclass(frozen=True)
class Patient:
    """What both eyes of a person share in the picture.

    Attributes:
        pigment: -1 fair to 1 dark; age: years; tortuosity: 0 straight to 1 winding;
        disc_mm: vertical diameter of the disc; cup: cup/disc ratio when healthy.
    """

    age: int
    pigment: float
    tortuosity: float
    disc_mm: float
    cup: float


@dataclass(frozen=True)
class Eye:
    """One eye ready to be drawn, as a right eye; positions in millimetres from the field's center.

    Attributes:
        findings: finding code -> severity 0-1.
        disc, fovea: centers (nasal, down); disc_mm: diameters (horizontal, vertical); cdr: 0-1.
        upper: whether a one-sided finding lies above (True) or below the fovea.
        seed: of everything in the eye that is drawn by chance; the same at every visit.
    """

    patient: Patient
    findings: Mapping[str, float]
    disc: tuple[float, float]
    fovea: tuple[float, float]
    disc_mm: tuple[float, float]
    cdr: float
    upper: bool
    seed: int

    @property
    def dark(self) -> float:
        """How strongly the choroid shines through the retina, 0-1."""
        thin = self.findings.get("tessellated_fundus", 0.0)
        return min(1.0, 0.12 + 0.06 * max(0.0, self.patient.pigment) + 0.88 * thin)


def draw_patient(rng: Rng, age: int) -> Patient:
    """A person of the given age (years)."""
    return Patient(
        age=age,
        pigment=float(rng.uniform(-1, 1)),
        tortuosity=float(rng.beta(2, 4)),
        disc_mm=float(rng.uniform(1.55, 1.85)),
        cup=float(rng.uniform(0.2, 0.48)),
    )


def draw_eye(rng: Rng, patient: Patient, findings: Mapping[str, float]) -> Eye:
    """An eye of `patient` with `findings` (code -> severity 0-1; codes of `FINDINGS`)."""
    unknown = set(findings) - set(FINDINGS)
    if unknown:
        raise ValueError(f"findings that cannot be drawn: {', '.join(sorted(unknown))}")
    apart, tilt = rng.uniform(4.3, 5.0), rng.normal(-0.09, 0.05)
    middle = (rng.normal(-0.35, 0.35), rng.normal(0.0, 0.25))
    half = (math.cos(tilt) * apart / 2, math.sin(tilt) * apart / 2)
    tall = patient.disc_mm + rng.uniform(-0.05, 0.05)
    cup = patient.cup + rng.normal(0, 0.02)
    if "optic_disc_cupping" in findings:
        cup = 0.70 + 0.2 * findings["optic_disc_cupping"]
    return Eye(
        patient=patient,
        findings=dict(findings),
        disc=(middle[0] + half[0], middle[1] + half[1]),
        fovea=(middle[0] - half[0], middle[1] - half[1]),
        disc_mm=(float(tall * rng.uniform(0.88, 0.97)), float(tall)),
        cdr=float(min(max(cup, 0.1), 0.92)),
        upper=bool(rng.random() < 0.62),
        seed=int(rng.integers(2**63)),
    )


def revisit(rng: Rng, eye: Eye) -> Eye:
    """The same eye, photographed another day with the camera pointed a little elsewhere."""
    shift = (float(rng.normal(0, 0.25)), float(rng.normal(0, 0.25)))
    return replace(
        eye,
        disc=(eye.disc[0] + shift[0], eye.disc[1] + shift[1]),
        fovea=(eye.fovea[0] + shift[0], eye.fovea[1] + shift[1]),
    )
