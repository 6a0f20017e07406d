"""What an LSTMVis project folder says about itself: its `lstm.yml`, checked key by key.

The models below are all that the file may say. What it refers to (HDF5 files, dict files) is opened by `project`.
LSTMVis ignores a key that it does not know, so that a misspelt `transform` shows other numbers without a word; here
it is refused with the nearest right one.
"""

import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pydantic
import yaml
from pydantic import BeforeValidator, Field, model_validator

from pipelines.settings import Loader, Settings
from rnnstore.errors import StoreError
from rnnstore.store.limits import text
from rnnstore.validation import nearest, on_one_line, sentences, shown

NAME = "lstm.yml"


class LstmvisError(StoreError):
    """An LSTMVis folder that cannot be imported: a line for every mistake found, with file, dataset and shape."""


def _as_text(given: Any) -> Any:
    """Names may look like numbers: `layer: 1`, `path: 2`."""
    return str(given) if isinstance(given, int | float) and not isinstance(given, bool) else given


Text = Annotated[str, BeforeValidator(_as_text)]


class WordSequence(Settings):
    """The word at each step."""

    file: Text = Field(description="The name, in files, of the HDF5 file with the word ids.")
    path: Text = Field(description="The dataset's path in that file.")
    dict_file: Text | None = Field(None, description="The name, in files, of the file with a word and its id a line.")


class StateType(Settings):
    """One series of vectors."""

    path: Text = Field(description="The dataset's path in the HDF5 file.")
    type: Text | None = Field(None, description="What it is, such as state or output.")
    layer: Text | None = Field(None, description="The layer it belongs to.")
    file: Text | None = Field(None, description="The name, in files, of its HDF5 file where that is not states.file.")
    unsigned: bool = Field(False, description="Whether all values are positive.")
    transform: Literal["tanh", "none", "raw", "sigmoid", "tanh_abs"] = Field(
        "tanh", description="What is applied to every value; LSTMVis applies tanh where nothing is said."
    )


class States(Settings):
    """The states to look at."""

    file: Text | None = Field(None, description="The name, in files, of the HDF5 file with the states.")
    types: Annotated[list[StateType], Field(min_length=1)] = Field(description="A line for each state.")


class WordEmbedding(Settings):
    """The vectors that stand for words at the input."""

    file: Text = Field(description="The name, in files, of the HDF5 file with the embedding.")
    path: Text = Field(description="The dataset's path in that file.")


class Vis(Settings):
    """How LSTMVis draws a track."""

    type: Literal["discrete", "scalar", "wordvec"] = Field(
        description="One of discrete (labels), scalar (numbers) and wordvec (several words a step)."
    )
    range: Any = Field(None, description="The values that get colours: [smallest, largest], a...b, dict or labels.")

    @model_validator(mode="after")
    def _known_range(self) -> Self:
        given = self.range
        written = isinstance(given, str) and (given == "dict" or re.fullmatch(r"-?\d+\.\.\.-?\d+", given))
        if given is not None and not written and not isinstance(given, list):
            raise ValueError("range must be [smallest, largest], a...b, dict or a list of labels")
        return self


with warnings.catch_warnings():  # the key is called dict, and pydantic has a long deprecated method of that name
    warnings.filterwarnings("ignore", message='Field name "dict"')

    class Meta(Settings):
        """A track of annotations."""

        file: Text = Field(description="The name, in files, of the HDF5 file with the track.")
        path: Text = Field(description="The dataset's path in that file.")
        dict: Text | None = Field(  # type: ignore[assignment] # of the deprecated method, see above
            None, description="The name, in files, of the file with a label and its id a line."
        )
        index: Literal["self", "word_sequence"] = Field("self", description="Rows are steps (self) or word ids.")
        type: Literal["general", "wordvec"] | None = Field(None, description="One value a step, or several words.")
        weights_path: Text | None = Field(None, description="wordvec: the dataset with the score of each word.")
        vis: Vis | None = Field(None, description="How the track is drawn.")

        @property
        def kind(self) -> str:
            """discrete, scalar or wordvec; where the file leaves it open, a dictionary makes labels."""
            if self.vis is not None:
                return self.vis.type
            return "wordvec" if self.type == "wordvec" else "discrete" if self.dict is not None else "scalar"

        @model_validator(mode="after")
        def _fits_together(self) -> Self:
            several = self.kind == "wordvec"
            if self.type is not None and (self.type == "wordvec") != several:
                raise ValueError(f"type is {self.type} and vis.type is {self.kind}; both or neither must be wordvec")
            if self.weights_path is not None and not several:
                raise ValueError(f"weights_path is for a track of type: wordvec, and this one is {self.kind}")
            if self.index != "self" and several:
                raise ValueError("index is word_sequence, but a track of type: wordvec has a row for each step")
            if self.kind == "scalar" and self.dict is not None:
                raise ValueError("dict gives labels to ids, but vis.type is scalar; choose discrete, or leave dict out")
            if self.vis is not None and self.vis.range == "dict" and self.dict is None:
                raise ValueError("vis.range is dict, but there is no dict; name one that is listed in files")
            return self


class Lstm(Settings):
    """The whole of an lstm.yml."""

    name: Text = Field(description="What the project is called.")
    description: Text | None = Field(None, description="A sentence about it.")
    files: Annotated[dict[str, Text], Field(min_length=1)] = Field(description="A name for each file of the folder.")
    word_sequence: WordSequence = Field(description="The word at each step.")
    states: States = Field(description="The states to look at.")
    word_embedding: WordEmbedding | None = Field(None, description="The vectors that stand for words.")
    meta: dict[Any, Any] | None = Field(None, description="Tracks of annotations, by name.")
    etc: Any = Field(None, description="Settings of LSTMVis's search; not needed here.")

    @model_validator(mode="after")
    def _names_are_listed(self) -> Self:
        """Every file that is spoken of is one that `files` names."""
        spoken = {
            "word_sequence.file": self.word_sequence.file,
            "word_sequence.dict_file": self.word_sequence.dict_file,
        }
        spoken["states.file"] = self.states.file
        for index, state in enumerate(self.states.types):
            spoken[f"states.types[{index}].file"] = state.file
            if state.file is None and self.states.file is None:
                raise ValueError(f"states.file is missing, and states.types[{index}] names no file of its own")
        if self.word_embedding is not None:
            spoken["word_embedding.file"] = self.word_embedding.file
        for key, name in spoken.items():
            if name is not None and name not in self.files:
                raise ValueError(_unlisted(key, name, self.files))
        return self


def _unlisted(key: str, name: str, files: dict[str, str]) -> str:
    return f"{key} is '{name}', which files does not name; {nearest(name, files, 'it names')}"


@dataclass(frozen=True)
class Description:
    """A checked lstm.yml: where it lies, what it says, and its tracks by name."""

    path: Path
    lstm: Lstm
    tracks: dict[str, Meta]

    @property
    def folder(self) -> Path:
        return self.path.parent

    def file(self, name: str) -> Path:
        """Where the file that `files` calls `name` lies: in the folder, since who made it may be anybody."""
        return inside(self.folder, self.lstm.files[name], f"files.{on_one_line(name)}")


def inside(folder: Path, name: str, key: str) -> Path:
    """The file `name` of a folder. Raises `LstmvisError` when it lies elsewhere, by its name or by a link, or is a pipe
    or a device."""
    path = folder / name
    try:
        text(name)
        if ".." in Path(name).parts or not path.resolve().is_relative_to(folder.resolve()):
            raise ValueError("leads out of the folder")
        if path.exists() and not path.is_file():
            raise ValueError("is no plain file")
    except (ValueError, OSError, RuntimeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise LstmvisError(
            f"{key} is {shown(name)}, which {why}; only files of the folder itself are imported: copy it there."
        ) from error
    return path


def load(folder: Path) -> Description:
    """The description in `folder` (or in the lstm.yml that `folder` itself is), checked.

    Raises `LstmvisError` with a line for every mistake, naming the key, what was given and what is expected.
    """
    path = _find(folder)
    inside(path.parent, path.name, NAME)
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise LstmvisError(f"{path} is no text: byte {error.start} is not UTF-8. A YAML file was expected.") from error
    except OSError as error:
        raise LstmvisError(f"{path} cannot be read: {error.strerror}.") from error
    given = _parsed(content, path)
    mistakes: list[str] = []
    lstm, tracks = None, {}
    try:
        lstm = Lstm.model_validate(given)
    except pydantic.ValidationError as error:
        mistakes += sentences(error, Lstm, given)
    meta = given.get("meta")
    for name, track in (meta if isinstance(meta, dict) else {}).items():
        try:
            tracks[str(name)] = read = Meta.model_validate(track)
        except pydantic.ValidationError as error:
            for sentence in sentences(error, Meta, track):
                mistakes.append(f"meta.{name}{'' if sentence.startswith(' ') else '.'}{sentence}")
            continue
        for key, file in (("file", read.file), ("dict", read.dict)):
            if lstm is not None and file is not None and file not in lstm.files:
                mistakes.append(f"{_unlisted(f'meta.{name}.{key}', file, lstm.files)}")
    raise_all(mistakes, str(path))
    assert lstm is not None  # else there was a mistake
    return Description(path, lstm, tracks)


def raise_all(mistakes: list[str], where: str) -> None:
    """One error for all mistakes found, if there are any."""
    if mistakes:
        raise LstmvisError(f"{where}: {mistakes[0]}" if len(mistakes) == 1 else "\n".join([f"{where}:", *mistakes]))


def _find(folder: Path) -> Path:
    if folder.name == NAME and folder.is_file():
        return folder
    if not folder.exists():
        raise LstmvisError(f"There is no folder {folder}; name the folder that holds an {NAME}.")
    if not folder.is_dir():
        raise LstmvisError(f"{folder} is a file; name the LSTMVis project folder, the one that holds an {NAME}.")
    if (folder / NAME).is_file():
        return folder / NAME
    projects = sorted(file.parent.name for file in folder.glob(f"*/{NAME}"))
    if projects:
        raise LstmvisError(f"{folder} holds no {NAME}, but these folders in it do: {', '.join(projects)}. Name one.")
    raise LstmvisError(f"{folder} holds no {NAME}, so it is no LSTMVis project folder.")


def _parsed(text: str, path: Path) -> dict:
    try:
        given = yaml.load(text, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = error.problem or error.context or "something is wrong"
        if "'\\t'" in problem:
            problem = "there is a tab, where YAML allows only spaces"
        raise LstmvisError(f"{path}{where}: {problem}. The file is not valid YAML.") from error
    except yaml.YAMLError as error:
        raise LstmvisError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(given, dict):
        raise LstmvisError(f"{path} holds no settings; name, files, word_sequence and states were expected.")
    return given
