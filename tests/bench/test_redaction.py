"""Of what other programs asked for, redaction leaves nearly all as it is."""

from __future__ import annotations

import redaction

from tests.corpus import corpus


def test_at_most_two_percent_of_the_corpus_targets_are_touched() -> None:
    touched = redaction.measure(corpus())
    assert len(touched.targets) > 1500
    assert touched.share_of_targets <= 0.02
    assert touched.share_of_exchanges <= 0.02
