from __future__ import annotations

import pytest

from funduscope.errors import ConfigError
from funduscope.findings import class_list, class_lists, label_rows, prompt_bank, vocabulary
from funduscope.findings.class_lists import read_list

PUBLIC: tuple[str, ...] = (
    "aptos2019",
    "idrid",
    "messidor2",
    "deepdrid",
    "papila",
    "glaucoma_fundus",
    "refuge",
)
PUBLIC += ("retina", "odir5k", "fives")
OWN = ("odir7", "csdi", "palm", "eyepacs_subset", "unam_dr", "unam_dme", "macular_hole")


def test_every_class_has_codes_and_both_languages() -> None:
    lists = class_lists()
    assert set(PUBLIC) | set(OWN) <= set(lists)
    for made in lists.values():
        assert made.source.split(";")[0] in ("facts", "card")
        assert len(made.classes) >= 2
        for one in made.classes:
            assert bool(one.codes) != one.residual
            assert all(code in vocabulary() for code in (*one.codes, *one.without))
            assert all(one.texts[language] for language in ("en", "zh"))


def test_lists_over_a_scale_take_the_banks_grades() -> None:
    made = class_list("aptos2019")
    assert [one.name for one in made.classes] == list("01234")
    assert [one.grade for one in made.classes] == [f"icdr:{n}" for n in range(5)]
    assert {one.codes for one in made.classes} == {("diabetic_retinopathy",)}
    assert [one.status for one in made.classes] == ["absent", *["present"] * 4]
    assert made.classes[2].texts["zh"] == prompt_bank("plain").grades["icdr", "2", "zh"]
    cataract = class_list("csdi").classes
    assert [one.codes for one in cataract] == [("cataract",)] * 4
    assert {one.status for one in cataract} == {"present"}


@pytest.mark.parametrize("name", ["palm_pm", "macular_hole", "retina_dataset_subset"])
def test_classes_of_our_copies_are_their_label_words(name: str) -> None:
    for one in class_list(name).classes:
        rows, dropped = label_rows([one.name])
        assert not dropped
        assert [row.finding for row in rows] == list(one.codes)
        assert rows[0].value == (one.status == "present")


def test_a_list_has_its_own_hash() -> None:
    hashes = {made.hash for made in class_lists().values()}
    assert len(hashes) == len(class_lists())
    table = {
        "about": "two classes",
        "source": "facts",
        "classes": [{"name": "a", "codes": ["drusen"], "en": "drusen", "zh": "玻璃膜疣"}],
    }
    before = read_list("one", table)
    assert read_list("one", table) == before
    table["classes"][0]["en"] = "many drusen"  # type: ignore[index]
    assert read_list("one", table).hash != before.hash


def test_an_unknown_list_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean fives"):
        class_list("five")
