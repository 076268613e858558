from __future__ import annotations

from pathlib import Path

import pytest

from funduscope.findings.__main__ import COLUMNS, main


def test_reads_a_table_and_writes_assertions(tmp_path: Path) -> None:
    source, target = tmp_path / "in.tsv", tmp_path / "out.tsv"
    texts = ['左眼"黄斑前膜', "Recommend follow-up.", '左眼"黄斑前膜']
    lines = ["id\ttext", *(f"{n}\t{text}" for n, text in enumerate(texts))]
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert main([str(source), str(target)]) == 0
    rows = [line.split("\t") for line in target.read_text(encoding="utf-8").splitlines()]
    assert rows[0] == list(COLUMNS)
    assert rows[1:] == [[texts[0], "OS", "erm", "present", "current", "patient", ""]]


def test_table_without_the_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in.tsv"
    source.write_text("report\nx\n", encoding="utf-8")
    assert main([str(source), str(tmp_path / "out.tsv")]) == 3
    message = capsys.readouterr().err
    assert "report" in message
    assert "column 'text'" in message
    assert not (tmp_path / "out.tsv").exists()


def test_missing_file_and_missing_arguments(tmp_path: Path) -> None:
    assert main([str(tmp_path / "none.tsv"), str(tmp_path / "out.tsv")]) == 3
    assert main([]) == 2
