"""Corpora: each module turns the settings of one kind into word ids, sequence starts and tracks.

A prepared corpus is plain arrays, whatever it came from, so training and recording know nothing of kinds.
The vocabulary is counted on the training split alone.
"""

import importlib
from pathlib import Path

from pipelines.corpora.corpus import Corpus, Split
from pipelines.corpora.kinds import AnyCorpus

__all__ = ["Corpus", "Split", "load"]

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


def load(settings: AnyCorpus, folder: Path | str | None = None) -> Corpus:
    """The corpus that `settings` (the `corpus` part of a recipe) describes.

    `folder` is where corpora are kept on this machine: files are looked for there first, and downloads go there.
    Raises `CorpusError` with what was found, what was expected and what to do.
    """
    module = importlib.import_module(f"pipelines.corpora.{_MODULES[settings.kind]}")
    return module.load(settings, None if folder is None else Path(folder))
