"""Findings: the strongest thing that each analysis has to show of a model, for the application's first page.

An analysis that can say what is most telling in a recording has a module `finding.py` with `finding(model)`, and its
manifest says `finding = true`. Each states the score by which it chose, so that a finding is no more than the largest
of many: what is found so is a reason to look, and no evidence until it is tested on other data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from rnnstore.errors import StoreError
from rnnstore.registry import analyses
from rnnstore.store.model import Model

MOST_STEPS = 20_000
"""Steps of a recording, from its first, in which a finding is looked for: about a second's work."""

MOST_MODELS = 8
"""Models of a store in which findings are looked for."""


@dataclass(frozen=True)
class View:
    """A sentence and what it shows.

    phrase, rest    the sentence: its phrase, which leads to the view, and what follows it
    address         parameters of the analysis' page
    picture         arguments of `finding_picture` of the analysis' `pictures`, besides model and state
    """

    phrase: str
    rest: str
    address: Mapping[str, str]
    picture: Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """What an analysis found strongest in a model.

    `title` is a short sentence. `score` is from 0 to 1 and comparable between models, not between analyses; `measure`
    says in words what it is and over how many steps. `views` are one to three, the first the one to begin with.
    """

    analysis: str
    model: str
    state: str | None
    title: str
    score: float
    measure: str
    views: tuple[View, ...]


def findings_of(model: Model) -> list[Finding]:
    """What each analysis finds strongest in a model, in the order of the analyses, without those that find nothing.

    Takes seconds for a wide state. A damaged table leaves out what needs it.
    """
    found = []
    for analysis in analyses():
        if analysis.finding and model.steps:
            try:
                best = import_module(f"rnnstore.{analysis.name}.finding").finding(model)
            except StoreError:  # the analysis' own page says what is wrong
                continue
            if best is not None:
                found.append(best)
    return found


def strongest(findings: Iterable[Finding]) -> list[Finding]:
    """The finding with the largest score of each analysis, the largest of all first."""
    best: dict[str, Finding] = {}
    for finding in findings:
        if finding.analysis not in best or finding.score > best[finding.analysis].score:
            best[finding.analysis] = finding
    return sorted(best.values(), key=lambda finding: -finding.score)
