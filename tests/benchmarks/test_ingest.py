from __future__ import annotations


def test_a_page_says_what_is_missed_and_takes_other_pages_in(judge, tmp_path):
    section = judge.ingest.Section("Things")
    section.none("bad things", 2)
    section.all("good things", 9, 9)
    (tmp_path / "speed.md").write_text("fast enough\n", encoding="utf-8")
    text = judge.ingest.page([section], tmp_path, "command")
    assert "1 of 2 targets reached." in text
    assert "| bad things | 2 | 0 | **MISSED** |" in text
    assert "## Speed and memory\n\nfast enough\n" in text
