"""The status rules at a place of a text that is given: for findings that we do not name.

`extract` finds its own terms. Who knows already where a concept stands (a test set of another
specialty, a highlighted word) asks here what the same rules make of it.
"""

from __future__ import annotations

from funduscope.findings.lexicon import Item, lexicon
from funduscope.findings.reading import Reading
from funduscope.findings.status import State
from funduscope.findings.symbols import Symbol, symbols

# What stands for the concept among the items: a finding without scales, sites or finer kinds.
_STAND_IN = "choroidal_nevus"


def status_of(text: str, start: int, end: int) -> State:
    """What the cues around `text[start:end]` say of it, whatever it means.

    The span counts as one finding, cue words inside it as part of its name. Status `dropped`
    means that nothing is asserted (a condition, advice). ValueError where the span holds no word.
    """
    stream = symbols(text)
    inside = [i for i, symbol in enumerate(stream) if start <= symbol.start < end]
    if not inside:
        raise ValueError(f"characters {start} to {end} of the text hold no word")
    reading = Reading.of_items(_around(stream, inside[0], inside[-1] + 1), stream)
    # a grade may have taken the concept in: the 2 of `grade 2`
    place = next(i for i, item in enumerate(reading.items) if item.end > inside[0])
    return reading.states[place]


def _around(stream: list[Symbol], first: int, last: int) -> list[Item]:
    """The items before the symbols [first:last], these as one finding, the items behind them."""
    scan = lexicon().scan
    behind = (
        item._replace(start=item.start + last, end=item.end + last) for item in scan(stream[last:])
    )
    concept = Item("finding", (_STAND_IN,), "", first, last)
    return [*scan(stream[:first]), concept, *behind]
