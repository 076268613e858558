"""What is measured of an ingest: ends, pairs, eyes, words kept, copies, persons, counts.

Each function takes the truth, the corpus and how they were matched, and gives a `Section`: its
figures, each with its target, and lines that explain them. Nothing a section holds names a
person: files are lines of the truth's images.csv, texts are its report numbers.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import ingest_truth as put
from ingest_page import Section, share, table
from ingest_truth import Corpus, End, Matched, Row, Truth

LEAST_PAIRS, MOST_WRONG, LEAST_EYES, MOST_LOST, LEAST_COPIES = 0.99, 0.002, 0.995, 0.005, 0.99
OTHER_EXAMS = ("oct", "bscan", "ffa", "faf", "visual_field", "other")
CAP = 90


def images(truth: Truth, found: Mapping[str, End]) -> Section:
    """Every file of images.csv: where it ended, and whether the code names the planted reason."""
    section = Section("Images: where each ended")
    wrong, unnamed, named, swapped = [], [], 0, 0
    cells: Counter[tuple[str, ...]] = Counter()
    first: dict[tuple[str, ...], str] = {}
    for name, row in truth.images.items():
        end = found[name]
        place = f"line {truth.number[name]}"
        right = put.right_end(row, end)
        swapped += end.swapped
        cell = (row["expected"], row["reason"], end.outcome, end.code, "" if right else "**no**")
        if not right:
            wrong.append(f"{place} ({row['expected']}/{row['reason']}: {end.outcome} {end.code})")
        elif not end.rows:
            named += put.right_code(row, end)
            if not put.right_code(row, end):
                unnamed.append(f"{place} ({row['reason']}: {end.code})")
        cells[cell] += 1
        first.setdefault(cell, place)
    section.all("images that ended as expected", len(truth.images) - len(wrong), len(truth.images))
    section.all("of those not kept: code names the reason", named, named + len(unnamed))
    missing = sum(end.outcome == "missing" for end in found.values())
    section.none("images of the truth in neither corpus nor ledger", missing)
    section.plain("copies of which the other one stayed (accepted)", swapped // 2)
    section.examples("Ended otherwise", wrong)
    section.examples("Right end, other code", unnamed)
    rows = [
        f"| {' | '.join(cell)} | {count} | {first[cell]} |" for cell, count in sorted(cells.items())
    ]
    section.lines += table(
        "expected | planted reason | ended | code | accepted | images | example", rows
    )
    return section


REPORT_CODES: dict[str, set[str]] = {
    "empty": {"says_nothing"},
    "ungradable": {"report_ungradable"},
    "no_image": {"no_image"},
}
MAY_BE_ROWS = {"bad_inner_quote", "bare_comma", "open_quote", "xxe"}


def report_reason(row: Row) -> str:
    """What was planted on a report: another examination, nothing said, no image, ..."""
    if row["kind"] in ("empty", "ungradable"):
        return row["kind"]
    if row["kind"] != "cfp":
        return "other_examination"
    return row["special"] or "ok"


def report_codes(row: Row) -> set[str]:
    """Codes that name what was planted on a report."""
    reason = report_reason(row)
    codes = REPORT_CODES.get(reason, {reason})
    return codes | {"bad_row"} if reason in MAY_BE_ROWS else codes


def reports(truth: Truth, corpus: Corpus, matched: Matched) -> Section:
    """Every report of reports.csv: kept where photographs must be paired with it, else named."""
    section = Section("Reports: where each ended")
    must = {pair["report"] for pair in truth.pairs if pair["requirement"] == "must"}
    kept = {key: mine for mine, key in matched.reports.items()}
    inside = {key for keys in matched.inside.values() for key in keys}
    wanted = {key: sorted(report_codes(row)) for key, row in truth.reports.items()}
    missing = [key for key in truth.reports if key not in kept]
    codes = put.ledger_codes(truth, corpus, missing, wanted)
    cells: Counter[tuple[str, str, str, str]] = Counter()
    lost, silent, unnamed, named = [], [], [], 0
    for key, row in truth.reports.items():
        reason = report_reason(row)
        end = "kept" if key in kept else "put into another" if key in inside else "not kept"
        cells["must" if key in must else "either", reason, end, codes.get(key, "")] += 1
        if key in kept:
            continue
        if key in must:
            lost.append(f"{key} ({codes.get(key, 'no row')})")
        elif key not in codes:
            silent.append(key)
        elif codes[key] in wanted[key] or reason in REPORT_CODES | {"other_examination": 0}:
            named += codes[key] in wanted[key]
            if codes[key] not in wanted[key]:
                unnamed.append(f"{key} ({reason}: {codes[key]})")
    section.all("reports that had to be kept and were", len(must & set(kept)), len(must))
    section.none("reports of the truth in neither corpus nor ledger", len(silent))
    section.all(
        "of those not kept with a planted reason: code names it", named, named + len(unnamed)
    )
    unknown = [row for row in corpus.reports if row["report_id"] not in matched.reports]
    section.none("stored reports that are none of the truth's", len(unknown))
    said: dict[str, Counter[str]] = defaultdict(Counter)
    for row in corpus.assertions:
        of = matched.reports.get(row["report_id"])
        if of is not None and not row["finding"].startswith("q_"):
            said[truth.reports[of]["kind"]][row["status"]] += 1
    section.none("assertions of reports that say nothing", said["empty"].total())
    section.none(
        "findings absent by reports of an ungradable photograph", said["ungradable"]["absent"]
    )
    told = {row["report_id"]: row["language"] for row in corpus.reports}
    same = sum(
        told[mine] == truth.reports[key]["language"] for mine, key in matched.reports.items()
    )
    section.plain("language as in the truth", share(same, len(matched.reports)))
    section.examples("Had to be kept", lost)
    section.examples("In no table", silent)
    section.examples("Other code", unnamed)
    rows = [f"| {' | '.join(cell)} | {count} |" for cell, count in sorted(cells.items())]
    section.lines += table("keep | planted | ended | code | reports", rows)
    return section


@dataclass(frozen=True)
class Made:
    """Pairs of the corpus in the truth's words: (file, report) -> eyes told."""

    eyes: dict[tuple[str, str], set[str]]
    unknown: list[tuple[str, str]]


def made_pairs(corpus: Corpus, found: Mapping[str, End], matched: Matched) -> Made:
    """The distinct pairs of the corpus, and those that could not be put in the truth's words."""
    files: dict[str, list[str]] = defaultdict(list)
    for name, end in found.items():
        for row in end.rows:
            files[row["image_id"]].append(name)
    eyes: dict[tuple[str, str], set[str]] = defaultdict(set)
    unknown = set()
    for row in corpus.pairs:
        key = matched.reports.get(row["report_id"])
        names = files[row["image_id"]]
        if key is None or not names:
            unknown.add((row["image_id"], row["report_id"]))
            continue
        for name in names:
            for one in (key, *matched.inside.get(row["report_id"], ())):
                eyes[name, one].add(row["eye"])
    return Made(dict(eyes), sorted(unknown))


def pairs(truth: Truth, corpus: Corpus, found: Mapping[str, End], matched: Matched) -> Section:
    """Pairs made, missed and wrong, and the eye of each."""
    section = Section("Pairs")
    made = made_pairs(corpus, found, matched)
    listed = {(row["image"], row["report"]): row for row in truth.pairs}
    must = {key for key, row in listed.items() if row["requirement"] == "must"}
    allowed = {key for key, row in listed.items() if row["requirement"] in ("must", "may")}
    wrong = sorted(set(made.eyes) - allowed)
    section.all(
        "pairs that must be made and were", len(must & set(made.eyes)), len(must), LEAST_PAIRS
    )
    count = len(made.eyes) + len(made.unknown)
    section.most("wrong pairs among those made", len(wrong) + len(made.unknown), count, MOST_WRONG)
    right, told, off = 0, 0, []
    for key in sorted(set(made.eyes) & allowed):
        eye, said = listed[key]["eye"], made.eyes[key]
        untold = truth.images[key[0]]["reason"] == "eye_unknown" and said == {"unknown"}
        if eye not in ("OD", "OS") or untold:
            continue
        told += 1
        right += said == {eye}
        if said != {eye}:
            off.append(f"line {truth.number[key[0]]} ({eye}: {'+'.join(sorted(said))})")
    section.all("eye right among pairs made", right, told, LEAST_EYES)
    both = sum(row["eye"] in ("OD", "OS") for end in found.values() for row in end.rows)
    section.plain("stored photographs with an eye", share(both, len(corpus.images)))
    reasons: Counter[str] = Counter()
    for key in must - set(made.eyes):
        stored = key[1] in matched.reports.values()
        end = found[key[0]]
        reasons[
            f"image {end.outcome} {end.code}".strip() + f", report {'' if stored else 'not '}kept"
        ] += 1
    rows = [f"| {reason} | {number} |" for reason, number in reasons.most_common()]
    if rows:
        section.lines += table("a pair that must be made was not | pairs", rows)
    why = Counter(listed[key]["why"] if key in listed else "not listed" for key in wrong)
    if made.unknown:
        why["image or report unknown to the truth"] = len(made.unknown)
    if why:
        section.lines += table(
            "a wrong pair | pairs", [f"| {k} | {n} |" for k, n in why.most_common()]
        )
    section.examples("Wrong", [f"line {truth.number[a]} with {b}" for a, b in wrong])
    section.examples("Eye wrong", off)
    return section


def tight(text: str) -> str:
    """A text in one form without spaces, so that a change of layout loses no word."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def words(truth: Truth, corpus: Corpus, matched: Matched) -> Section:
    """Evidence of findings that no longer stands in the stored report."""
    section = Section("Clinically meaningful words")
    stored = {row["report_id"]: tight(row["text"]) for row in corpus.reports}
    kept = {key: stored[mine] for mine, key in matched.reports.items()}
    spans: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for row in truth.mentions:
        spans[row["report"]].add((row["field"], row["start"], row["evidence"]))
    whole, lost, examples = 0, 0, []
    for key, text in sorted(kept.items()):
        told = tight("\n".join(truth.fields[key].values()))
        for evidence, count in sorted(Counter(tight(e) for _, _, e in spans[key]).items()):
            # Never more than the truth's own text holds, counted in the same way.
            wanted = min(count, told.count(evidence))
            gone = max(0, wanted - text.count(evidence))
            whole, lost = whole + wanted, lost + gone
            if gone:
                examples.append(f"{key} ({gone} of {wanted})")
    section.most("spans of evidence lost from stored reports", lost, whole, MOST_LOST)
    section.plain("stored reports compared", len(kept))
    markup = sum("<script" in text or "<b>" in text for text in kept.values())
    section.none("stored reports with markup of HTML", markup)
    section.examples("Lost from", examples)
    return section


def copies(truth: Truth, found: Mapping[str, End]) -> Section:
    """Planted copies found, other photographs of one eye not taken for copies, splits."""
    section = Section("Copies")
    planted: dict[str, list[bool]] = defaultdict(list)
    false, split, twice, copied = [], [], [], set()
    rows = [row for row in truth.duplicates if {row["file_a"], row["file_b"]} <= set(found)]
    for row in rows:
        if row["relation"].startswith(("exact", "near")):
            copied |= {row["file_a"], row["file_b"]}
    for row in rows:
        two = (found[row["file_a"]], found[row["file_b"]])
        marked = any(DUPLICATES & {*end.codes, *end.notes} for end in two)
        splits = {one["split"] for end in two for one in end.rows}
        if len(splits) > 1:
            split.append(row["group"])
        if row["relation"].startswith(("exact", "near")):
            planted[row["relation"]].append(marked)
            if row["relation"] == "exact" and all(end.rows for end in two):
                twice.append(row["group"])
        else:
            for name, end in zip((row["file_a"], row["file_b"]), two, strict=True):
                if name not in copied and DUPLICATES & {*end.codes, *end.notes}:
                    false.append(f"line {truth.number[name]} ({row['relation']})")
    total = [marked for group in planted.values() for marked in group]
    section.all("planted copies found", sum(total), len(total), LEAST_COPIES)
    for relation, group in sorted(planted.items()):
        section.plain(f"- {relation}", share(sum(group), len(group)))
    section.none("copies or photographs of one eye in two splits", len(split))
    section.none("exact copies of which both are kept", len(twice))
    section.none("other photographs of an eye taken for copies", len(set(false)))
    section.examples("In two splits", split)
    section.examples("Taken for copies", sorted(set(false)))
    return section


DUPLICATES = put.DUPLICATE_CODES


def persons(truth: Truth, found: Mapping[str, End]) -> Section:
    """One person, one number, one split; age, sex and days between visits."""
    section = Section("Persons")
    numbers: dict[str, set[str]] = defaultdict(set)
    people: dict[str, set[str]] = defaultdict(set)
    splits: dict[str, set[str]] = defaultdict(set)
    for name, end in found.items():
        for row in end.rows:
            patient = truth.images[name]["patient"]
            numbers[patient].add(row["patient_id"])
            people[row["patient_id"]].add(patient)
            splits[patient].add(row["split"])
    sites: dict[str, set[str]] = defaultdict(set)
    for visit in truth.visits.values():
        sites[visit["patient"]].add(visit["site"])
    moved = [p for p, places in sites.items() if len(places) > 1 and p in numbers]
    section.all(
        "persons of two sites with one number", sum(len(numbers[p]) == 1 for p in moved), len(moved)
    )
    section.none("persons with two numbers", sum(len(found_) > 1 for found_ in numbers.values()))
    section.none("numbers that stand for two persons", sum(len(who) > 1 for who in people.values()))
    section.none("persons in two splits", sum(len(found_) > 1 for found_ in splits.values()))
    _facts(section, truth, found)
    _days(section, truth, found)
    return section


def _facts(section: Section, truth: Truth, found: Mapping[str, End]) -> None:
    """Ages and sexes of stored photographs; where sources disagree, unknown is right too."""
    counts: Counter[str] = Counter()
    off = []
    for name, end in found.items():
        for row in end.rows:
            image = truth.images[name]
            visit = truth.visits[image["visit"]]
            person = truth.patients[image["patient"]]
            sex = {"M": "male", "F": "female"}.get(person["sex"].upper()[:1], "")
            age = age_at(person["birth_date"], visit["date"])
            doubt = visit["special"]
            if row["sex"] is None:
                counts["sex unknown, " + ("in doubt" if "sex" in doubt else "plain")] += 1
            elif row["sex"] != sex:
                counts["sex wrong"] += 1
                off.append(f"line {truth.number[name]} (sex)")
            if row["age_years"] is None:
                counts["age unknown, " + ("in doubt" if "age" in doubt else "plain")] += 1
            elif age is not None and abs(row["age_years"] - min(age, CAP)) > 1:
                counts["age wrong"] += 1
                off.append(f"line {truth.number[name]} (age)")
            counts["age above the cap"] += (row["age_years"] or 0) > CAP
    section.none("photographs with a wrong sex", counts.pop("sex wrong", 0))
    section.none("photographs with an age wrong by more than a year", counts.pop("age wrong", 0))
    section.none(f"ages above {CAP}", counts.pop("age above the cap", 0))
    for what, count in sorted(counts.items()):
        section.plain(f"- {what}", count)
    section.examples("Wrong", off)


def age_at(born: str, day: str) -> int | None:
    """Full years from one ISO date to another, or None where one is not known."""
    try:
        one, other = date.fromisoformat(born), date.fromisoformat(day)
    except ValueError:
        return None
    return other.year - one.year - ((other.month, other.day) < (one.month, one.day))


def _days(section: Section, truth: Truth, found: Mapping[str, End]) -> None:
    """Days between two visits of a person are the true ones, though no date is stored."""
    days: dict[str, set[tuple[int, int]]] = defaultdict(set)
    for name, end in found.items():
        for row in end.rows:
            image = truth.images[name]
            if row["visit_day"] is not None:
                day = date.fromisoformat(truth.visits[image["visit"]]["date"]).toordinal()
                days[image["patient"]].add((day, row["visit_day"]))
    several = {p: sorted(s) for p, s in days.items() if len({day for day, _ in s}) > 1}
    right = sum(len({day - told for day, told in s}) == 1 for s in several.values())
    section.all("persons of two visits with the true days between them", right, len(several))


def counts(truth: Truth, corpus: Corpus) -> Section:
    """The funnel: seen = kept + rejected + review, and the tables say the same."""
    section = Section("Counts")
    rows = []
    of: Mapping[str, Any] = corpus.manifest["counts"]
    for item in ("images", "reports"):
        count = of[item]
        ended = count["kept"] + count["rejected"] + count["review"]
        rows.append(
            f"| {item} | {count['seen']} | {count['kept']} | {count['rejected']} "
            f"| {count['review']} | {len(getattr(truth, item))} |"
        )
        section.none(f"{item}: seen less kept, rejected and review", count["seen"] - ended)
        stored = len(getattr(corpus, item))
        section.none(f"{item}: kept less rows of the table", count["kept"] - stored)
        for severity in ("rejected", "review"):
            ledger = sum(
                row["item"] == item[:-1] and row["severity"] == severity for row in corpus.rejects
            )
            section.none(f"{item}: {severity} less rows of the ledger", count[severity] - ledger)
        off = abs(count["seen"] - len(getattr(truth, item)))
        section.none(f"{item}: seen less the truth's", off)
    section.lines += table("item | seen | kept | rejected | review | in the truth", rows)
    return section
