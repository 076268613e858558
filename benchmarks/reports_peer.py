"""What a user would take instead for English: negspacy (NegEx for spaCy), on the same sentences.

    pip install negspacy            # in an environment of its own
    python benchmarks/reports_peer.py < spans.json

Reads a JSON list of [text, start, end]; writes {versions, negated: [...], seconds: [...]}.
It needs neither a model nor a download: a blank English pipeline cuts words, the concept is given.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version

ROUNDS = 5


def main() -> None:
    """Read spans, say which are negated, and how long it took."""
    import spacy
    from negspacy import negation

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    negex = negation.Negex(nlp, "negex", negation.default_ts)
    sentencizer = nlp.get_pipe("sentencizer")

    def negated(text: str, start: int, end: int) -> bool:
        doc = sentencizer(nlp.make_doc(text))
        span = doc.char_span(start, end, label="CONCEPT", alignment_mode="expand")
        doc.ents = [span]
        return bool(negex(doc).ents[0]._.negex)

    spans = json.load(sys.stdin)
    seconds = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        found = [negated(*span) for span in spans]
        seconds.append(time.process_time() - begun)
    versions = {name: version(name) for name in ("negspacy", "spacy")}
    answer = {"versions": versions, "negated": found, "seconds": seconds}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
