from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from funduscope import pages

FACTS: dict[str, Any] = {
    "settings": {
        "seed": 0,
        "model": {"image_tower": "efficientnet_lite0", "dim": 256},
        "languages": ["en", "zh"],
        "withhold": [],
        "licence": "terms & <b>conditions</b>",
    },
    "corpora": ["c0ffee"],
    "bundle": "b0b",
    "photographs": 1234,
    "patients": 600,
    "captions": [
        {"language": "en", "source": "report", "photographs": 1234, "patients": 600, "captions": 9},
        {"language": "zh", "source": "report", "photographs": 12, "patients": 6, "captions": 3},
        {"language": "zh", "source": "rendered", "photographs": 8, "patients": 5, "captions": 4},
    ],
}


def log(**more: object) -> list[dict[str, Any]]:
    return [
        {
            "step": step,
            "images": 64 * step,
            "loss": 3 / step,
            "temperature": 14.0,
            "learning_rate": 1e-3,
            "recall_at_1": 0.1 * step,
            "alignment": None,
            "data_wait": 0.02,
            "seconds": 60.0 * step,
            **more,
        }
        for step in (1, 2, 3)
    ]


@pytest.mark.parametrize("language", pages.LANGUAGES)
def test_the_page_of_a_run_tells_all_in_both_languages(language):
    words = pages.Words(language)
    html = pages.run_page(FACTS, log(), language=language)
    said = unescape(re.sub(r"<style.*?</style>", "", html, flags=re.S))
    for text in (
        words("page.disclaimer"),
        words("run.health"),
        words("run.rendered", all="7", rendered="4"),
        words("run.loss_is"),
        *("1,234", "c0ffee", "b0b", "efficientnet_lite0", "model.dim", "en, zh", "2.0%", "1.1"),
    ):
        assert text in said, text
    assert "<script" not in html
    assert "http" not in html.replace("http-equiv", "")
    assert "conditions" not in html
    assert words("run.alignment_is") not in said
    assert html == pages.run_page(FACTS, log(), language=language)


def test_every_health_figure_that_was_logged_is_drawn():
    more = {"alignment": 1.0, "uniformity": -2.0, "gradient_norm": 0.5, "pairs_per_second": 9.0}
    assert pages.run_page(FACTS, log(**more)).count('<div class="plot wide">') == 9
    assert pages.run_page(FACTS, log()).count('<div class="plot wide">') == 5
