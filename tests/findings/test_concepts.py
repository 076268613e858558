from __future__ import annotations

import pytest

from funduscope.findings.concepts import status_of


def state(text):
    """The state of what stands between the two bars."""
    before, concept, after = text.split("|")
    return status_of(before + concept + after, len(before), len(before) + len(concept))


@pytest.mark.parametrize(
    ("text", "status", "temporality", "experiencer"),
    [
        ("No |wheezes| or rhonchi.", "absent", "current", "patient"),
        ("No wheezes or |rhonchi|.", "absent", "current", "patient"),
        ("The |aortic valve is not enlarged|.", "present", "current", "patient"),
        ("Possible |pneumonia|.", "uncertain", "current", "patient"),
        ("History of |pneumonia|.", "present", "history", "patient"),
        ("Mother has |asthma|.", "present", "history", "family"),
        ("If |fever| occurs, call.", "dropped", "current", "patient"),
        ("否认|哮喘|。", "absent", "current", "patient"),
        ("No drusen, but |glaucoma|.", "present", "current", "patient"),
    ],
)
def test_the_cues_around_a_given_place_hold_for_it(text, status, temporality, experiencer):
    found = state(text)
    assert (found.status, found.temporality, found.experiencer) == (
        status,
        temporality,
        experiencer,
    )


def test_a_cue_that_is_part_of_the_concept_does_not_deny_it():
    assert state("The |heart is without murmur| today.").status == "present"


def test_a_term_that_reaches_into_the_span_is_cut_there():
    assert state("No history of macular |edema|.").status == "absent"


def test_an_empty_place_is_refused():
    with pytest.raises(ValueError, match="no word"):
        status_of("No wheezes", 2, 3)
