from __future__ import annotations

from pathlib import Path

from funduscope import store
from funduscope.pretrain import PretrainSettings
from funduscope.pretrain.run_page import caption_counts


def test_captions_are_counted_by_language_and_source(archive: Path) -> None:
    corpus = store.Corpus.open(archive)
    settings = PretrainSettings().model_dump(mode="json")
    names = corpus.images["image_id"].to_list()
    found = caption_counts([corpus], names, settings)
    assert found["captions"] == [
        {
            "language": "en",
            "source": "report",
            "photographs": len(names),
            "patients": 10,
            "captions": 4,
        }
    ]
    # a photograph that lies in two corpora, or is named twice, counts once
    assert caption_counts([corpus, corpus], names * 2, settings)["photographs"] == len(names)
    one = caption_counts([corpus], names[:1], settings)
    assert (one["photographs"], one["patients"]) == (1, 1)
    assert caption_counts([corpus], names, settings | {"languages": ["zh"]})["captions"] == []
