from __future__ import annotations

import pytest

from funduscope import findings
from funduscope.errors import ConfigError
from funduscope.evaluate import tasks
from funduscope.evaluate.tasks import Label, Target, judge
from funduscope.store import Corpus


def labels_of(words: str) -> list[Label]:
    rows, _ = findings.label_rows(words.split(";"))
    return [Label(row.task, row.finding, row.value, row.unit) for row in rows]


DR = Target(name="diabetic_retinopathy", grade_at_least=1)
DR_NAMED = DR.model_copy(update={"negatives": "named"})
REFERABLE = Target(name="referable_dr", grade_at_least=2, negatives="named")
GLAUCOMA = Target(name="glaucoma")
MYOPIA = Target(name="pathologic_myopia")
CODES = findings.vocabulary().codes


@pytest.mark.parametrize(
    ("target", "words", "truth"),
    [
        (DR, "dr;dr2", 1),
        (DR, "dr", 1),
        (DR, "pdr", 1),  # a narrower finding
        (DR, "dr0", 0),
        (DR, "cataract", 0),
        (DR_NAMED, "dme", None),  # nothing said of diabetic retinopathy
        (DR_NAMED, "no_dme;dr0;normal", 0),
        (DR_NAMED, "no_dme;dr;npdr", 1),
        (DR_NAMED, "normal", 0),
        (REFERABLE, "dr;dr1", 0),
        (REFERABLE, "dr;dr3", 1),
        (REFERABLE, "dr", None),
        (GLAUCOMA, "glaucoma_suspect", None),
        (GLAUCOMA, "glaucoma_suspect;dr", None),
        (GLAUCOMA, "glaucoma;dr", 1),
        (GLAUCOMA, "normal", 0),
        (MYOPIA, "pathologic_myopia;myopia", 1),
        (MYOPIA, "high_myopia;myopia;non_pathologic_myopia", 0),
        (MYOPIA, "myopia", 0),
    ],
)
def test_the_truth_of_an_eye_by_its_label_words(target, words, truth):
    assert judge(target, labels_of(words)) == truth


def test_shipped_tasks_name_findings_of_the_vocabulary():
    shipped = tasks.task_file()
    names = [task.name for task in shipped.tasks]
    assert len(set(names)) == len(names)
    assert {name for suite in shipped.suites.values() for name in suite} <= set(names)
    for task in shipped.tasks:
        for target in task.targets:
            assert target.name in findings.vocabulary()


def test_tasks_by_name_and_by_suite():
    assert [t.name for t in tasks.named_tasks(["palm", "odir7"], None)] == ["palm", "odir7"]
    assert len(tasks.named_tasks([], "first")) == 4
    assert tasks.named_tasks([], None) == ()


@pytest.mark.parametrize(
    ("names", "suite", "words"),
    [
        (["odir"], None, "did you mean 'odir7'?"),
        ([], "frist", "did you mean 'first'?"),
        (["palm"], "first", "leave one"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(names, suite, words):
    with pytest.raises(ConfigError, match=words.replace("?", r"\?")):
        tasks.named_tasks(names, suite)


def test_every_finding_with_enough_labels_becomes_a_target():
    words = ["dr;dr2"] * 3 + ["dr;dr1"] * 2 + ["dr0"] * 3 + ["cataract"] * 3 + ["glaucoma"]
    labels = {f"i{n}": labels_of(word) for n, word in enumerate(words)}
    found = {t.name: t for t in tasks.every_finding(labels, CODES, minimum=3, complete=False)}
    assert set(found) == {"diabetic_retinopathy", "referable_dr", "cataract"}
    # grade 0 is stated often enough: ungraded eyes are no negatives of diabetic retinopathy
    dr = tasks.truth_of(found["diabetic_retinopathy"], labels)
    assert (list(dr.values()).count(1), list(dr.values()).count(0)) == (5, 3)
    cataract = tasks.truth_of(found["cataract"], labels)
    assert list(cataract.values()).count(0) == 9
    assert not tasks.every_finding(labels, ("glaucoma",), minimum=3, complete=False)
    complete = tasks.every_finding(labels, CODES, minimum=3, complete=True)
    dr = tasks.truth_of(next(t for t in complete if t.name == "diabetic_retinopathy"), labels)
    assert list(dr.values()).count(0) == 7


def said(finding, eye, status="present", **change):
    return {
        "report_id": "r0",
        "eye": eye,
        "finding": finding,
        "status": status,
        "temporality": "current",
        "experiencer": "patient",
        "start_char": 0,
        "end_char": 1,
        "rule": "test",
    } | change


def test_reports_as_truth(corpus):
    path = corpus(
        "archive",
        [{}, {}, {}, {"eye": "unknown", "exam_id": "e0"}],
        reports=[
            {
                "report_id": "r0",
                "patient_id": "p0",
                "exam_id": "e0",
                "site_id": "site",
                "language": "en",
                "text": "words",
                "text_sha256": "0",
            }
        ],
        assertions=[
            said("cataract", "OD"),
            said("glaucoma", "OD", "absent"),
            said("glaucoma", "OS", "uncertain"),
            said("drusen", "unknown"),
            said("cup_disc_ratio", "OD"),
            said("amd", "OS", temporality="history"),
            said("amd", "OS", experiencer="family"),
        ],
    )
    labels = tasks.reports_of(Corpus.open(path))
    assert set(labels) == {"i0", "i1", "i3"}  # the exam of i2 has no report

    def truth(name):
        return tasks.truth_of(Target(name=name), labels)

    assert {row.finding for row in labels["i0"]} == {"cataract", "glaucoma", "drusen"}
    assert truth("cataract") == {"i0": 1, "i1": 0, "i3": 0}
    assert truth("glaucoma") == {"i0": 0, "i3": 0}  # in doubt for i1
    assert truth("drusen") == {"i3": 1}  # of which eye of the two was not said
    assert truth("amd") == {"i0": 0, "i1": 0, "i3": 0}
