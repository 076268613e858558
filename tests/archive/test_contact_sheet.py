from __future__ import annotations

from funduscope.archive import contact_sheet


def pair(number, caption, source="report", language="en"):
    return {
        "image_id": f"i{number:03d}",
        "report_id": "r0",
        "eye": "OD",
        "caption": caption,
        "caption_language": language,
        "caption_source": source,
    }


def reject(locator, code):
    return {
        "locator": locator,
        "item": "record",
        "step": "split",
        "code": code,
        "detail": "words",
        "severity": "review",
    }


def test_photographs_are_spread_over_sites_those_with_captions_first(finished):
    images = [{"site_id": "big"}] * 8 + [{"site_id": "small"}] * 2 + [{"site_id": "silent"}] * 2
    corpus = finished("c", images, pairs=[pair(n, "x") for n in range(10)])
    chosen = contact_sheet.spread(corpus, 6)
    assert chosen == ["i000", "i008", "i001", "i009", "i002", "i003"]
    assert contact_sheet.spread(corpus, 50)[-2:] == ["i010", "i011"]


def test_notes_are_shown_for_kept_photographs_only(finished):
    rejects = [reject("l001", "near_duplicate"), reject("l001", "odd_eye"), reject("l999", "x")]
    corpus = finished("c", [{}] * 3, rejects=[*rejects, reject("l002", "odd_eye")])
    assert contact_sheet.noted(corpus, 5) == {
        "i001": ["near_duplicate", "odd_eye"],
        "i002": ["odd_eye"],
    }
    assert list(contact_sheet.noted(corpus, 1)) == ["i001"]


def test_captions_as_written_and_in_the_language_of_the_page(finished):
    pairs = [
        pair(0, "drusen", "rendered"),
        pair(0, "\u73bb\u7483\u819c\u75a3", "rendered", "zh"),
        pair(0, "Drusen OD", "report"),
    ]
    corpus = finished("c", [{}], pairs=pairs)
    found = contact_sheet.captions(corpus, ["i000"], "zh")["i000"]
    assert [(one.text, one.language) for one in found] == [
        ("\u73bb\u7483\u819c\u75a3", "zh"),
        ("Drusen OD", "en"),
    ]


def test_photographs_come_in_the_order_asked_for_and_only_their_shards_are_read(finished):
    corpus = finished("c", [{}] * 4)
    folder = corpus.path / "pixels"
    (folder / "part-00001.parquet").write_bytes(b"not Parquet")  # holds none of those asked for
    found = contact_sheet.photos(corpus, ["i003", "i001"], {})
    assert [int(photo.rgb[0, 0, 0]) for photo in found] == [3, 1]
