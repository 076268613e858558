"""Reports say what was drawn, in both languages, in the words of the vocabulary."""

from __future__ import annotations

from funduscope.archive.synthetic import phrases
from funduscope.archive.synthetic.eyes import FINDINGS
from funduscope.archive.synthetic.plan import plan_archive
from funduscope.findings import extract, vocabulary

PLANNED = plan_archive(240, 21)


def test_every_finding_and_denial_has_a_code_and_words_in_both_languages() -> None:
    codes = set(vocabulary().codes)
    assert set(FINDINGS) <= codes
    for language in ("en", "zh"):
        assert set(phrases.SIGNS[language]) == set(FINDINGS) == set(phrases.NAMES[language])
    denied = {code for denial in phrases.DENIALS for code in denial[0]}
    diagnoses = {one[1] for group in phrases.DIAGNOSES.values() for one in group}
    assert denied | diagnoses <= codes


def test_each_phrase_is_read_as_its_finding() -> None:
    for language, words in phrases.SIGNS.items():
        for finding, choices in words.items():
            for phrase in (*choices, phrases.NAMES[language][finding]):
                text = phrase.format(cdr="0.8", arcade="", side="")
                eye = "右眼：" if language == "zh" else "Right eye: "
                found = {a.finding for a in extract(eye + text) if a.status == "present"}
                assert finding in found, text


def test_drawn_findings_are_mentioned_but_for_a_few() -> None:
    drawn = mentioned = 0
    for exam in PLANNED:
        for side, stated in exam.report.stated.items():
            if "ungradable" in stated.present:
                continue
            found = set(exam.eyes[side].findings)
            drawn += len(found)
            mentioned += len(found & (stated.present | stated.uncertain))
            # What was not drawn is never asserted as a sign, what was drawn is never denied.
            assert not (stated.present & set(FINDINGS)) - found
            assert not stated.absent & found
            assert ("normal" in stated.present) == (not found)
    assert 0.9 < mentioned / drawn < 0.995


def test_the_text_reads_back_as_stated() -> None:
    right = wrong = 0
    for exam in PLANNED:
        text = "\n".join(part for part in (exam.report.body, exam.report.impression) if part)
        read = extract(text)
        for side, stated in exam.report.stated.items():
            present = {a.finding for a in read if a.eye == side and a.status == "present"}
            right += len(stated.present & present)
            absent = {a.finding for a in read if a.eye == side and a.status == "absent"}
            wrong += len(stated.present - present) + len(stated.absent ^ absent)
    assert right > 500
    assert wrong < 0.02 * right


def test_planted_strings_stand_in_the_text() -> None:
    planted = [(exam, value) for exam in PLANNED for _, value in exam.report.planted]
    assert len(planted) > 100
    for exam, value in planted:
        assert value in exam.report.body
    kinds = {kind for exam in PLANNED for kind, _ in exam.report.planted}
    assert {"name", "phone", "id_card", "record_no", "staff_name", "exam_date"} <= kinds


def test_resident_numbers_have_a_valid_check_digit() -> None:
    numbers = [e.person.id_card for e in PLANNED if e.person.language == "zh"]
    assert len(numbers) > 50
    for number in numbers:
        # ISO 7064 MOD 11-2: the weighted sum over all 18 digits is 1.
        digits = [10 if digit == "X" else int(digit) for digit in number]
        assert sum(d * pow(2, 17 - i, 11) for i, d in enumerate(digits)) % 11 == 1
