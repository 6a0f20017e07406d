"""Corpora: each module turns the settings of one kind into word ids, sequence starts and tracks.

A prepared corpus is plain arrays, whatever it came from, so training and recording know nothing of kinds.
The vocabulary is counted on the training split alone.
"""

import importlib
from pathlib import Path

from pipelines.corpora.corpus import Corpus, Split
from pipelines.errors import CorpusError

__all__ = ["Corpus", "Split", "check", "load"]

_MODULES = {
    "parentheses": "parentheses",
    "python-source": "python_source",
    "text": "text",
    "penn-treebank": "penn_treebank",
    "nltk": "nltk_corpora",
    "chords": "chords",
    "genome": "genome",
    "labelled-text": "labelled",
    "autocomplete": "autocomplete",
}


def load(settings, folder: Path | str | None = None) -> Corpus:
    """The corpus that `settings` (the `corpus` part of a recipe) describes.

    `folder` is where corpora are kept on this machine: files are looked for there first, and downloads go there.
    Raises `CorpusError` with what was found, what was expected and what to do.
    """
    module = importlib.import_module(f"pipelines.corpora.{_MODULES[settings.kind]}")
    return module.load(settings, None if folder is None else Path(folder))


def check(corpus: Corpus, recipe) -> None:
    """Raises `CorpusError` if the corpus is too short for what the recipe wants to do with it."""
    training, record = recipe.training, recipe.record
    steps, needed = len(corpus.splits["train"]), training.batch * training.unroll + 1
    if corpus.labels is None and steps < needed:
        raise CorpusError(
            f"The training split of {corpus.name} has {steps_text(steps)}, and one training window takes {needed:,} "
            f"(batch {training.batch} x unroll {training.unroll}, and the word after). Use more text, or a smaller "
            f"training.batch or training.unroll."
        )
    steps = len(corpus.splits[record.split])
    if record.start >= steps:
        raise CorpusError(
            f"record.start is {record.start:,}, but the {record.split} split of {corpus.name} has only "
            f"{steps_text(steps)}."
        )


def steps_text(steps: int) -> str:
    return f"{steps:,} step{'' if steps == 1 else 's'}"
