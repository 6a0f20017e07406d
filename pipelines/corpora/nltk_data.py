"""NLTK's data packages: found where this machine keeps them, else fetched by NLTK's own downloader.

NLTK itself is imported only here and inside functions: it takes a second that most corpora need not spend.
"""

import io
import socket
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.errors import CorpusError

TAGGER = "taggers/averaged_perceptron_tagger_eng"
UNIVERSAL = "taggers/universal_tagset"
SENTENCES = "tokenizers/punkt_tab"
PREDICTED = "predicted by NLTK's perceptron tagger"


def need(resource: str, folder: Path | None) -> None:
    """Makes sure that NLTK finds `resource` ("corpora/brown"): in `folder`/nltk_data, NLTK_DATA or NLTK's places.

    Downloads it otherwise (into `folder`/nltk_data if a folder is named); `CorpusError` where that fails.
    """
    import nltk

    own = None if folder is None else str(folder / "nltk_data")
    if own and own not in nltk.data.path:
        nltk.data.path.insert(0, own)
    package = resource.split("/")[-1]
    for place in (resource, f"{resource}.zip/{package}/"):  # unpacked, or as it was downloaded
        try:
            nltk.data.find(place)
            return
        except LookupError:
            continue
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(20)
    try:
        fetched = nltk.download(
            package, download_dir=own, quiet=True, raise_on_error=True, print_error_to=io.StringIO()
        )
        why = "" if fetched else " (it does not know this package)"
    except Exception as error:  # the downloader raises whatever happened underneath
        fetched, why = False, f" ({error})"
    finally:
        socket.setdefaulttimeout(timeout)
    if not fetched:
        where = f" --dir {own}" if own else ""
        raise CorpusError(
            f"NLTK's {package} is not on this machine and could not be downloaded{why}. With a connection, run "
            f"`python -m nltk.downloader{where} {package}`; without one, put {package}.zip into "
            f"{own or '~/nltk_data'}/{resource.split('/')[0]}, or set NLTK_DATA to the folder that has it."
        )


def predict_pos(sentences: list[list[str]], folder: Path | None) -> list[list[str]]:
    """Part-of-speech tags of NLTK's perceptron tagger (Penn Treebank tag set), a list for every sentence."""
    need(TAGGER, folder)
    return [[tag for _, tag in tagged] for tagged in _tagger().tag_sents(sentences)]


def universal(tags: np.ndarray, tagset: str, folder: Path | None) -> np.ndarray:
    """The tags (of NLTK's tag set `tagset`, such as "en-ptb") in the universal tag set; "" stays "".

    Tags that the map does not know become X, the universal tag for the rest.
    """
    need(UNIVERSAL, folder)
    known = _universal_map(tagset)
    distinct, inverse = np.unique(tags, return_inverse=True)
    return np.array(["" if tag == "" else known.get(tag, "X") for tag in distinct.tolist()])[inverse]


@cache
def _tagger() -> Any:
    from nltk.tag import PerceptronTagger

    return PerceptronTagger()


@cache
def _universal_map(tagset: str) -> dict[str, str]:
    from nltk.tag.mapping import tagset_mapping

    return dict(tagset_mapping(tagset, "universal"))
