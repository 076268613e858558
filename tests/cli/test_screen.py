from __future__ import annotations

import json

from funduscope.cli.screen import Screen


def test_people_see_words_and_machines_one_line_of_json(capsys):
    for quiet, as_json in ((False, False), (True, False), (False, True)):
        screen = Screen(quiet=quiet, as_json=as_json)
        screen.say("a line with [brackets]")
        screen.table("title", ("name", "value"), [("a", 0.12345), ("b", None)])
        screen.next("funduscope show x")
        screen.data({"value": 1, "text": "眼"})
        shown = capsys.readouterr().out
        if as_json:
            assert json.loads(shown) == {"value": 1, "text": "眼"}
            assert shown.count("\n") == 1
        elif quiet:
            assert shown == ""
        else:
            assert "a line with [brackets]" in shown
            assert "0.123" in shown
            assert "next:\n  funduscope show x" in shown


def test_progress_counts_each_step_and_shows_the_time_left(capsys):
    screen = Screen(quiet=False, as_json=False)
    with screen.progress() as progress:
        progress.start("first", 3)
        progress.advance(3)
        progress.done()
        progress.start("second", 5)
        progress.advance(2)
        progress.done()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "first" in shown.err
    assert "3/3" in shown.err
    assert "2/2" in shown.err  # a step that ended early is shown as ended
    assert "left" in shown.err


def test_quiet_progress_shows_nothing(capsys):
    with Screen(quiet=True, as_json=False).progress() as progress:
        progress.start("first", 3)
        progress.advance()
        progress.done()
    shown = capsys.readouterr()
    assert shown.out == shown.err == ""


def test_words_of_an_archive_are_neither_markup_nor_commands_of_the_terminal(capsys):
    screen = Screen(quiet=False, as_json=False)
    screen.table("", ("name",), [("[/bold] [red]\x1b[2J",), ("全　角",)])
    screen.say("a\x1b[2Jb")
    shown = capsys.readouterr().out
    assert "[/bold] [red]\ufffd[2J" in shown
    assert "全　角" in shown
    assert "a\ufffd[2Jb" in shown
