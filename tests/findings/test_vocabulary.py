from __future__ import annotations

import csv
from pathlib import Path

import pytest

from funduscope.errors import DataError
from funduscope.findings import extract, vocabulary
from funduscope.findings.rows import SAYS_LITTLE
from funduscope.findings.vocabulary import LABEL_WORDS

# Classes of public benchmarks under the names that their papers use. The classes without a
# finding of their own ("other", "retina disease") are left out.
CLASSES = {
    "RFMiD": """diabetic retinopathy; age-related macular degeneration; media haze; drusen; myopic
        fundus; branch retinal vein occlusion; tessellation; epiretinal membrane; laser scars;
        macular scars; central serous retinopathy; optic disc cupping; central retinal vein
        occlusion; tortuous vessels; asteroid hyalosis; optic disc pallor; optic disc edema;
        optociliary shunt vessels; anterior ischemic optic neuropathy; parafoveal telangiectasia;
        retinal traction; retinitis; chorioretinitis; exudation; RPE changes; macular hole;
        retinitis pigmentosa; cotton wool spots; fundus coloboma; optic disc pit maculopathy;
        preretinal hemorrhage; myelinated nerve fibers; hemorrhagic retinopathy; central retinal
        artery occlusion; tilted disc; cystoid macular edema; post-traumatic choroidal rupture;
        choroidal folds; vitreous hemorrhage; macroaneurysm; retinal vasculitis; branch retinal
        artery occlusion; Hollenhorst plaque; hemorrhagic pigment epithelial detachment;
        collaterals; giant retinal tear; silicon oil-filled eye; idiopathic intracranial
        hypertension; hypertensive retinopathy; optic neuritis; retinal tears; retinal holes;
        choroidal neovascularization; retinal detachment; macular edema""",
    "JSIEC-1000": """normal fundus; tessellated fundus; large optic cup; diabetic retinopathy;
        glaucoma; optic atrophy; hypertensive retinopathy; disc swelling; dragged disc; congenital
        disc abnormality; retinitis pigmentosa; Bietti crystalline dystrophy; peripheral retinal
        degeneration; retinal break; myelinated nerve fiber; vitreous particles; fundus neoplasm;
        BRVO; CRVO; hard exudates; yellow-white spots or flecks; cotton-wool spots; vessel
        tortuosity; chorioretinal atrophy; chorioretinal coloboma; preretinal hemorrhage; fibrous
        proliferation; laser spots; silicone oil in eye; blurred fundus; RAO; retinal detachment;
        CSCR; VKH disease; maculopathy; ERM; macular hole; pathological myopia""",
    "BRSET": """diabetic retinopathy; macular edema; chorioretinal scar; nevus; AMD; retinal
        vascular occlusion; hypertensive retinopathy; drusen; hemorrhage; retinal detachment;
        myopic fundus; increased cup-to-disc ratio""",
    "OCTDL": """AMD; DME; epiretinal membrane; normal retina; retinal artery occlusion; retinal
        vein occlusion; vitreomacular interface disease""",
    "JustRAIGS": """referable glaucoma; ungradable; neuroretinal rim thinning; RNFL defect; baring
        of the circumlinear vessel; nasalization of vessel trunk; disc hemorrhage; laminar dots;
        large cup""",
    "ODIR, FIVES, PALM, TOP, MMC-AMD, STARE": """normal fundus; diabetic retinopathy; glaucoma;
        cataract; age-related macular degeneration; hypertensive retinopathy; pathologic myopia;
        dry AMD; wet AMD; PCV; retinitis pigmentosa; retinal artery occlusion; Coats'
        disease; arteriosclerotic retinopathy; cilioretinal artery occlusion; hemi-CRVO; choroidal
        melanoma; choroidal hemangioma; choroidal metastasis; retinal hemangioblastoma""",
}


def test_codes_names_and_parents_are_whole() -> None:
    words = vocabulary()
    assert len(words) == len(set(words.codes)) >= 211
    assert words.version.isdigit()
    assert len(words.hash) == 64
    for finding in words:
        assert finding.code.isidentifier()
        assert finding.zh
        assert finding.en
        assert finding.kind in {"sign", "disease", "grade", "quality", "treatment", "systemic"}
        assert finding.referable in {"yes", "no", "depends"}
        assert finding.parent is None or finding.parent in words
        assert finding.code not in words.ancestors(finding.code)


def test_preferred_names_are_distinct() -> None:
    words = vocabulary()
    for language in ("zh", "en"):
        names = [finding.names(language)[0] for finding in words]
        assert len(names) == len(set(names))


def test_ancestors_and_descendants_mirror_each_other() -> None:
    words = vocabulary()
    assert words.ancestors("ci_dme") == ("diabetic_macular_edema", "macular_edema")
    assert "csme" in words.descendants("macular_edema")
    for code in words.codes:
        assert all(code in words.ancestors(lower) for lower in words.descendants(code))


def test_unknown_code_names_the_nearest() -> None:
    with pytest.raises(DataError, match="glaucoma"):
        vocabulary()["glaucom"]


def test_every_synonym_reads_back_as_its_code() -> None:
    words = vocabulary()
    for finding in words:
        if finding.kind == "grade" and finding.code.endswith("_ratio"):
            continue  # says nothing without its number
        for name in (*finding.names("zh"), *finding.names("en")):
            assert {row.finding for row in extract(name)} == set(words.named(name)), name
            assert finding.code in words.named(name)


def test_few_names_belong_to_two_codes() -> None:
    words = vocabulary()
    every = {n for finding in words for n in (*finding.names("zh"), *finding.names("en"))}
    assert {name for name in every if len(words.named(name)) > 1} == {"静脉迂曲扩张"}


def test_no_name_is_listed_twice_for_its_code() -> None:
    for finding in vocabulary():
        for language in ("zh", "en"):
            names = finding.names(language)
            assert len(names) == len(set(names)), finding.code


def test_names_stand_in_denials_and_at_eyes_like_any_other_word() -> None:
    """A denial before a name is no part of it; a few names hold words of denial themselves."""
    own = ("有髓", "有临床", "new vessels", "foveal reflex", "absence of")
    for finding in vocabulary():
        if finding.kind not in ("sign", "disease") or finding.code in SAYS_LITTLE:
            continue
        for name in (n for n in finding.names("zh") if not n.startswith(own)):
            rows = {(row.eye, row.finding, row.status) for row in extract(f"右眼未见{name}")}
            assert ("OD", finding.code, "absent") in rows, name
        for name in (n for n in finding.names("en") if not n.startswith(own)):
            rows = {(row.eye, row.finding, row.status) for row in extract(f"no {name} OD")}
            assert ("OD", finding.code, "absent") in rows, name


@pytest.mark.parametrize("benchmark", CLASSES)
def test_classes_of_benchmarks_have_codes(benchmark: str) -> None:
    for name in " ".join(CLASSES[benchmark].split()).split("; "):
        assert len({row.finding for row in extract(name)}) == 1, name


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("non-exudative age-related macular degeneration", "dry_amd"),
        ("Nonneovascular age related macular degeneration", "dry_amd"),
        ("非渗出性年龄相关性黄斑变性", "dry_amd"),
        ("cup/disc 0.3", "cup_disc_ratio"),
        ("C:D 0.4", "cup_disc_ratio"),
        ("CD ratio 0.4", "cup_disc_ratio"),
        ("c/d = 0.4", "cup_disc_ratio"),
        ("VCDR 0.7", "cup_disc_ratio"),
    ],
)
def test_words_of_readers(text: str, finding: str) -> None:
    assert [row.finding for row in extract(text)] == [finding]


@pytest.mark.parametrize(
    "text",
    [
        "视盘色红润，边界清",
        "retinal blood vessels are normal in caliber",
        "complains of floaters",
        "after cataract surgery",
    ],
)
def test_words_that_only_begin_like_a_finding(text: str) -> None:
    read = {row.finding for row in extract(text)}
    assert read <= {"cataract_surgery"}, read


def test_names_are_found_however_they_are_written() -> None:
    words = vocabulary()
    for name in (
        "Macular Holes",
        "ＭＨ",
        "黃斑裂孔",
        "macular_hole",
        "full thickness macular hole",
    ):
        assert words.named(name) == ("macular_hole",)
    assert words.named("no such thing") == ()
    assert words.near("papiledema")[0] == "papilledema"
    assert words.near("") == ()


def test_children_are_one_step_narrower() -> None:
    words = vocabulary()
    assert "late_amd" in words.children("amd")
    assert "wet_amd" not in words.children("amd")
    assert words.children("drusen") == tuple(f.code for f in words if f.parent == "drusen")


def test_label_words_lead_to_codes() -> None:
    words = vocabulary()
    assert {words.match_label(word) for word in LABEL_WORDS} == set(LABEL_WORDS.values())
    assert words.match_label("ERM ") == "erm"
    assert words.match_label("dr2") is None


@pytest.mark.realdata
def test_every_code_of_the_reference_list_is_kept(shared: Path) -> None:
    path = shared / "reference" / "nlp" / "findings_list.tsv"
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))
    words = vocabulary()
    assert len(rows) == 211
    for row in rows:
        finding = words[row["code"]]
        assert (finding.zh, finding.en, finding.kind) == (row["zh"], row["en"], row["kind"])
        assert (finding.icd10 or "") == row["icd10"]
