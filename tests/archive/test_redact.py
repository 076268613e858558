import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funduscope.archive import redact

SECRETS = {
    "name": ("Jane Calloway", "张伟"),
    "patient": ("HV-000123",),
    "identity": ("11992119500615123X",),
    "exam": ("12",),
    "birth_date": ("06/15/1950",),
    "exam_date": ("2019-03-05",),
}


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("Jane Calloway, seen today.", "[name], seen today."),
        ("Calloway, Jane: drusen", "[name]: drusen"),
        ("Mrs. Calloway has drusen", "Mrs. [name] has drusen"),
        ("JANE CALLOWAY", "[name]"),
        ("患者张伟，右眼正常", "患者[name]，右眼正常"),
        ("张 伟自述视力下降", "[name]自述视力下降"),
        ("张某，右眼白内障", "[name]某，右眼白内障"),
        ("MRN HV-000123.", "MRN [number]."),
        ("hv 000123", "[number]"),
        ("身份证号１１９９２１１９５００６１５１２３Ｘ。", "身份证号[id]。"),
        ("DOB 06/15/1950", "DOB [date]"),
        ("seen on 2019-03-05", "seen on [date]"),
    ],
)
def test_the_records_own_values_go_however_written(text: str, without: str) -> None:
    assert redact.redact(text, SECRETS) == without


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("call 138 1234 5678", "call [phone]"),
        ("电话13812345678。", "电话[phone]。"),
        ("电话：0571-87654321", "电话：[phone]"),
        ("tel (312) 555-0142", "tel [phone]"),
        ("+44 20 7946 0958", "[phone]"),
        ("mail a.b@example.org now", "mail [email] now"),
        ("ID 11010519491231002X", "ID [id]"),
        ("2019年3月5日复查", "[date]复查"),
        ("on 5 March 2019 and Mar 5, 2019", "on [date] and [date]"),
        ("20190305", "[date]"),
        ("Reported by Dr. Ann B. Lee.", "Reported by [name]."),
        ("Signed by: Ann Lee", "Signed by: [name]"),
        ("报告医师：李四。", "报告医师：[name]。"),
        ("报告医师：李四 审核医师：王小五", "报告医师：[name] 审核医师：[name]"),
        ("王医生建议复查", "[name]医生建议复查"),
        ("病历号：A12345，右眼", "病历号：[number]，右眼"),
        ("MRN: 0012345", "MRN: [number]"),
        ("身份证号1101051949123100211", "身份证号[number]"),
    ],
)
def test_what_always_identifies_goes(text: str, without: str) -> None:
    assert redact.redact(text, {}) == without


@pytest.mark.parametrize(
    "text",
    [
        "Right eye: C/D 0.3, macula flat; left eye: 12 drusen of 125 um at 3 o'clock.",
        "OD: cup-to-disc ratio 0.65, A/V 2:3, grade 2. OS: white vessels, brown nevus.",
        "History of diabetes for 12 years. Review in 6 months.",
        "右眼：视盘边界清，色淡红，C/D=0.3，A:V=2:3，黄斑中心凹反光可见；左眼：黄白色硬性渗出。",
        "高血压病史13年，请结合临床，建议6个月后复查。",
        "DR stage III, ETDRS 35, ICD H36.0, visual acuity 20/200",
        "Dr grade 3 changes; the doctor's view",
    ],
)
def test_clinical_words_stay(text: str) -> None:
    assert redact.redact(text, {"name": ("White Brown",), "patient": ("12",)}) == text


def test_the_checksum_of_a_resident_number() -> None:
    assert redact.resident_id_valid("11010519491231002X")
    assert not redact.resident_id_valid("110105194912310021")
    assert not redact.resident_id_valid("1101051949123100X2")


PIECES = st.sampled_from(
    [
        "Jane Calloway",
        "张伟",
        "HV-000123",
        "13812345678",
        "2019-03-05",
        "Dr. Ann Lee",
        "报告医师：李四",
        "右眼正常",
        "drusen",
        "C/D 0.3",
        " ",
        "，",
        ". ",
        "a@b.cn",
        "11010519491231002X",
    ]
)


@given(st.lists(PIECES, max_size=8).map("".join))
@settings(deadline=None)
def test_removing_twice_changes_nothing(text: str) -> None:
    once = redact.redact(text, SECRETS)
    assert redact.redact(once, SECRETS) == once
    assert "Calloway" not in once
