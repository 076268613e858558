from pathlib import Path

from funduscope.archive import prose, readers
from funduscope.archive.description import Source

REPORT = """某某医院眼底照相报告
姓　名：张伟    性别：男  年龄：65岁
检查号：JC0012 检查日期：2019-03-02
检查所见：
右眼：视盘边界清，C/D：0.3。
左眼：玻璃膜疣
诊断意见：年龄相关性黄斑变性
报告医生：李明"""


def _read(folder: Path, **given: object) -> readers.Sheet:
    source = Source.model_validate({"kind": "text", "table": "**/*.*", **given})
    return readers.read(readers.Given(folder, source, readers.tables_of(folder, source), []))


def test_labels_are_columns_and_the_body_is_what_is_left(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(REPORT.encode("gb18030"))
    columns = {
        "exam": "检查号|登记号", "name": "姓名", "age": "年龄", "sex": "性别",
        "exam_date": "检查日期", "identity": ["报告医生"], "report": ["body"],
    }  # fmt: skip
    (row,) = _read(tmp_path, columns=columns).rows
    facts = {name: row.cells[name] for name in ("检查号|登记号", "姓名", "性别", "年龄")}
    assert facts == {"检查号|登记号": "JC0012", "姓名": "张伟", "性别": "男", "年龄": "65岁"}
    assert row.cells["报告医生"] == "李明"
    assert row.cells["text"] == REPORT
    assert "张伟" not in row.cells["body"]
    assert "李明" not in row.cells["body"]
    assert "右眼：视盘边界清，C/D：0.3。\n左眼：玻璃膜疣\n诊断意见" in row.cells["body"]


def test_sections_of_a_report_run_over_lines(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(REPORT.rpartition("\n")[0], encoding="utf-8")
    (row,) = _read(tmp_path, columns={"report": ["检查所见", "诊断意见"]}).rows
    assert row.cells["检查所见"] == "右眼：视盘边界清，C/D：0.3。\n左眼：玻璃膜疣"
    assert row.cells["诊断意见"] == "年龄相关性黄斑变性"


def test_markup_is_removed_and_cells_are_facts(tmp_path: Path) -> None:
    page = (
        "<html><head><title>x</title><style>b{}</style></head><body><table>"
        "<tr><td>Name</td><td>Ann Novak</td><th>MRN:</th><td>A1</td></tr></table>"
        "<p>OD: disc <b>pink</b>, MA &lt;5<br>OS: drusen</p><script>1</script></body></html>"
    )
    (tmp_path / "a.html").write_text(page, encoding="utf-8")
    (row,) = _read(tmp_path, columns={"name": "Name", "patient": "MRN"}).rows
    assert (row.cells["Name"], row.cells["MRN"]) == ("Ann Novak", "A1")
    assert row.cells["body"] == "OD: disc pink, MA <5\nOS: drusen"


def test_a_files_own_path_tells_columns(tmp_path: Path) -> None:
    (tmp_path / "2019").mkdir()
    (tmp_path / "2019" / "E77_od.txt").write_text("disc pink", encoding="utf-8")
    form = {"table_pattern": r"(?P<exam>E\d+)_(?P<eye>od|os)"}
    (row,) = _read(tmp_path, format=form, columns={"exam": "exam", "eye": "eye"}).rows
    assert (row.cells["exam"], row.cells["eye"]) == ("E77", "od")


def test_labels_that_a_text_bears() -> None:
    assert prose.labels_of(REPORT)[:4] == ["姓名", "性别", "年龄", "检查号"]


def test_a_fact_ends_with_its_sentence() -> None:
    text = "姓名：王芳\n所见：\n微信号：wang_1。右眼：玻璃体混浊。"
    assert prose.facts(text, ["姓名", "微信号"]) == {"姓名": "王芳", "微信号": "wang_1"}
    assert prose.cut(text, ["姓名", "微信号"]) == "所见：\n右眼：玻璃体混浊。"
