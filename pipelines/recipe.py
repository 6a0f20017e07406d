"""A recipe: everything that decides what a model is, in one YAML file that is checked before any work starts.

The models below and those of the corpora (`corpora/kinds.py`) are the only description of a recipe. The check, the
sentences of its errors (`rnnstore/validation.py`) and docs/recipes.md (`recipe_page.py`) are all made from them, so
every setting carries its meaning, its unit and its reason there. What a setting does to words, weights or tables is
left to `corpora/`, `training.py` and `recording.py`.
"""

import difflib
import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

import pydantic
import yaml
from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    ModelWrapValidatorHandler,
    SerializeAsAny,
    Tag,
    model_validator,
)

from pipelines.corpora.kinds import AnyCorpus, Autocomplete, missing_splits
from pipelines.corpora.labelled_settings import LabelledText
from pipelines.corpora.shared_settings import FromFiles
from pipelines.errors import RecipeError
from pipelines.settings import Count, Loader, Settings, Width
from rnnstore.networks.cells import CELLS, build, known_kind
from rnnstore.validation import nearest, sentences

SHIPPED = Path(__file__).parent / "recipes"


class Layer(Settings):
    """One recurrent layer: its cell, its width, and the options of that cell (the tables below).

    What is validated is a class of the cell's own, with its options beside these two (`layer_of`).
    """

    cell: Annotated[str, AfterValidator(known_kind)] = Field(
        description="The recurrent cell.", json_schema_extra=lambda schema: schema.update(enum=[*CELLS])
    )
    units: Width = Field(description="Width of the state: hidden units of this layer.")

    @model_validator(mode="wrap")
    @classmethod
    def _of_its_cell(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        kind = given.get("cell") if isinstance(given, dict) else None
        if not isinstance(kind, str) or kind not in CELLS:
            return handler(given)
        for name in given:
            owners = [other for other in CELLS if name in CELLS[other].Options.model_fields]
            if owners and kind not in owners:
                raise ValueError(
                    f"{name} is a setting of cell: {' or '.join(owners)}, and cell is {kind}; leave {name} out"
                )
        return handler(given) if cls is layer_of(kind) else cast(Self, layer_of(kind).model_validate(given))

    @classmethod
    def for_settings(cls, given: object) -> type["Layer"]:
        """The class that describes these settings."""
        kind = given.get("cell") if isinstance(given, dict) else None
        return layer_of(kind) if isinstance(kind, str) and kind in CELLS else cls

    def series(self) -> tuple[list[str], list[str]]:
        """The states and the gates of the cell, as the store names them behind `layer1.`."""
        cell = build(self.cell, 1, self.units, **self.model_dump(exclude={"cell", "units"}))
        return list(cell.states), list(cell.gates)


@cache
def layer_of(kind: str) -> type[Layer]:
    """The settings of a layer of this kind: cell, units, and the cell's options."""
    options = CELLS[kind].Options.model_fields
    fields: dict[str, Any] = {name: (field.annotation, field) for name, field in options.items()}
    return pydantic.create_model(f"{CELLS[kind].__name__}Layer", __base__=Layer, __doc__=CELLS[kind].__doc__, **fields)


class Embedding(Settings):
    """Word vectors that the embedding starts with, from one place: `file`, `model` or `neighbours`.

    Words that have no vector there start at random, with the mean and the spread of the others; how many they are is
    printed and stands in the model's notes.
    """

    file: str | None = Field(
        None,
        description="A file of word vectors: text as word2vec and GloVe write it (a word and its numbers a line, "
        "packed by gzip or not), an .npz with `words` and `vectors`, or an .npy. Looked for beside the recipe, in the "
        "corpora folder and in the current folder.",
    )
    words: str | None = Field(None, description="For an .npy: a text file with the word of each row in a line.")
    model: str | None = Field(None, description="A trained model of the same store, whose embedding is taken.")
    neighbours: Count | None = Field(
        None,
        description="Make vectors of the training text itself, by counting which words stand within so many steps of "
        "one another: nothing to download. Needs `width`.",
    )
    width: Width | None = Field(
        None,
        description="Numbers a word; null: as many as the vectors have. If they have others, that is an error.",
    )
    tuned: bool = Field(True, description="Change the vectors in training like any weight; false leaves them fixed.")
    _beside: Path | None = pydantic.PrivateAttr(None)  # where the recipe lies; no part of what it says

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in ("file", "model", "neighbours") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"needs one of file, model and neighbours, and has {' and '.join(given) or 'none'}")
        if self.neighbours is not None and self.width is None:
            raise ValueError("width is missing: how many numbers a word is to get from its neighbours")
        array = self.file is not None and self.file.endswith(".npy")
        if (self.words is not None) != array:
            raise ValueError(
                "words is missing: an .npy holds no words, so name a text file with one a line"
                if array
                else "words belongs to a file that ends in .npy; leave words out"
            )
        return self


class Network(Settings):
    """Embedding, recurrent layers from the input upwards, and a softmax over the vocabulary or over labels."""

    embedding: Annotated[
        Annotated[Width, Tag("(number)")] | Annotated[Embedding, Tag("(vectors)")],
        Discriminator(lambda given: "(vectors)" if isinstance(given, dict | Embedding) else "(number)"),
    ] = Field(
        description="Numbers a word is represented by at the input; or word vectors to start with (network.embedding)."
    )
    layers: Annotated[list[SerializeAsAny[Layer]], Field(min_length=1, max_length=64)] = Field(
        description="The recurrent layers, lowest first."
    )
    tie: bool = Field(
        False,
        description="Use the embedding as output weights too: fewer parameters; the last layer must be as wide "
        "as the embedding.",
    )
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Chance to drop a value between layers (never along time) while training."
    )
    input_dropout: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        None, description="The same for the inputs of the first layer; null: as `dropout`."
    )

    @property
    def summary(self) -> str:
        """Its layers in a few words, such as "2 x 200 lstm"."""
        found = list(dict.fromkeys((layer.units, layer.cell) for layer in self.layers))
        if len(found) == 1:
            units, cell = found[0]
            return f"{len(self.layers)} x {units} {cell}"
        return " + ".join(f"{layer.units} {layer.cell}" for layer in self.layers)

    @model_validator(mode="after")
    def _tied_sizes_agree(self) -> Self:
        vectors = self.embedding if isinstance(self.embedding, Embedding) else None
        if self.tie and vectors and not vectors.tuned:
            raise ValueError("tie would fix the output weights too, as embedding.tuned is false; leave one of them out")
        width = vectors.width if vectors else self.embedding
        if self.tie and width is None:
            raise ValueError("tie needs embedding.width, to be as wide as the last layer; write it")
        if self.tie and self.layers[-1].units != width:
            raise ValueError(
                f"tie needs an embedding as wide as the last layer; embedding is {width} and "
                f"the last layer has {self.layers[-1].units} units"
            )
        return self


class Itemize(Settings):
    """What is written of the gradients of single batches while training (the page "Training")."""

    every: Count = Field(100, description="Record every so many batches, the first one included.")
    lags: Count | None = Field(
        None,
        description="How far back a loss is followed, in steps, its own step included; null for the whole window. "
        "Only what is followed is written; the cost grows with it.",
    )


class Training(Settings):
    """How the weights are found: backpropagation through time, minimising the loss of the next word or of the label."""

    epochs: Count = Field(description="Passes over the training split, at most.")
    batch: Width = Field(
        20, description="Stretches of text that are read side by side; of labelled texts, whole texts."
    )
    unroll: Width = Field(
        20, description="Steps that a gradient reaches back (a training window). Not for labelled texts."
    )
    optimizer: Literal["sgd", "adam"] = Field("adam", description="How a gradient changes the weights.")
    learning_rate: Annotated[float, Field(gt=0)] = Field(0.002, description="Size of a change; 1.0 suits sgd.")
    decay: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0, description="Factor on the learning rate for every epoch past `decay_after`; 1 for none."
    )
    decay_after: Annotated[int, Field(ge=0)] = Field(0, description="Epochs at the full learning rate.")
    clip: Annotated[float, Field(gt=0)] | None = Field(
        5.0,
        description="Longest gradient (norm over all weights); longer ones are scaled down. null for no limit.",
    )
    initial: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="Weights start uniform between minus and plus this; null for each layer's usual start.",
    )
    seed: Annotated[int, Field(ge=0)] = Field(1, description="Seed of the first weights and of dropout.")
    patience: Count | None = Field(
        None,
        description="Epochs without a better validation loss before training stops; null to never stop early.",
    )
    minutes: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="Most minutes to train; training stops at the end of the step that passes it. null for no limit.",
    )
    itemize: Itemize | None = Field(
        None,
        description="Record the itemized gradients of batches: from which step's loss to which step's copy of the "
        "recurrent weights they reach. `{}` for every 100th batch, null for none. Changes nothing of what is learned.",
    )


class Record(Settings):
    """What is written to the store once the network is trained."""

    split: Literal["train", "validation", "test"] = Field("validation", description="The split to record.")
    start: Annotated[int, Field(ge=0)] = Field(
        0,
        description="Step of the split (from 0) at which the recording begins, for example where gold labels begin. "
        "The network reads the sequence from its start up to there, unrecorded.",
    )
    steps: Count | None = Field(None, description="Steps to record; null for all to the end of the split.")
    states: list[str] | None = Field(
        None,
        description="States to record, such as layer1.c or layer2.h; null for every cell and hidden vector.",
    )
    gates: bool = Field(
        False, description="Record the gates too (layer1.i, layer1.f, ...): three or four times the size."
    )
    thresholds: list[Annotated[float, Field(allow_inf_nan=False)]] = Field(
        [0.3],
        description="State values from which a unit counts as on in the table of runs; others can be asked later.",
    )
    predictions: Annotated[int, Field(ge=0)] = Field(
        5, description="Most probable next words, or labels, to record at each step; 0 for none."
    )


class Recipe(Settings):
    """A model: the corpus it reads, the network, its training, and what is recorded."""

    name: str = Field(description="The model's name in the store: letters, digits, `.`, `_`, `-` and spaces.")
    description: str = Field("", description="A sentence for the list of models.")
    takes: str = Field("", description="About how long it takes on two cores, for the list of recipes.")
    licence: str = Field("", description="Under what licence the corpus is, for whoever gets the recording.")
    corpus: AnyCorpus = Field(description="What the network reads; `kind` decides which settings there are.")
    network: Network = Field(description="Embedding, recurrent layers and output.")
    training: Training = Field(description="How the weights are found.")
    record: Record = Field(Record(), description="What is written to the store.")

    @model_validator(mode="after")
    def _splits_exist(self) -> Self:
        shares = getattr(self.corpus, "shares", None)
        if self.record.split in missing_splits(self.corpus):
            raise ValueError(
                f"record.split is {self.record.split}, but corpus.shares.{self.record.split} is "
                f"{getattr(shares, self.record.split):g}; give it a share or record another split"
            )
        return self

    @model_validator(mode="after")
    def _states_exist(self) -> Self:
        series = [layer.series() for layer in self.network.layers]
        known = [f"layer{n}.{name}" for n, each in enumerate(series, 1) for names in each for name in names]
        for index, name in enumerate(self.record.states or []):
            if name not in known:
                raise ValueError(
                    f"record.states[{index}] is '{name}', which this network does not have; "
                    f"{nearest(name, known, 'it has')}"
                )
        return self

    @model_validator(mode="after")
    def _vectors_are_another_models(self) -> Self:
        if isinstance(self.network.embedding, Embedding) and self.network.embedding.model == self.name:
            raise ValueError(f"network.embedding.model is {self.name}, which is this model; name another one")
        return self

    @model_validator(mode="after")
    def _fits_a_classifier(self) -> Self:
        if isinstance(self.corpus, LabelledText | Autocomplete):
            labelled = isinstance(self.corpus, LabelledText)
            texts, predicted = ("labelled texts", "labels") if labelled else ("observations", "whole words")
            if "unroll" in self.training.model_fields_set:
                raise ValueError(
                    f"training.unroll has no meaning for {texts}: a gradient reaches back to the first step of "
                    "its text; leave unroll out"
                )
            if self.network.tie:
                raise ValueError(
                    f"network.tie uses the embedding to predict words, and this network predicts {predicted}; "
                    "leave tie out"
                )
        return self

    @pydantic.field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._\- ]*", name) or name.endswith(" "):
            raise ValueError(
                "is not a name: it must start with a letter or digit and hold only letters, digits, "
                "'.', '_', '-' and spaces, never a path"
            )
        return name


def shipped() -> list[str]:
    """Names of the recipes that come with the project, sorted."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def load(recipe: str | Path) -> Recipe:
    """The recipe in a YAML file, or the shipped recipe of that name.

    Raises `RecipeError` with a line for every mistake, naming the key, what was given and what is expected.
    """
    path = _find(recipe)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise RecipeError(
            f"{path} is not a recipe: byte {error.start} is not UTF-8 text. A recipe is a YAML text file."
        ) from error
    except OSError as error:
        raise RecipeError(f"{path} cannot be read: {error.strerror}.") from error
    loaded = parse(text, str(path))
    for part in (loaded.corpus, loaded.network.embedding):
        if isinstance(part, FromFiles | Embedding):
            part._beside = path.resolve().parent
    return loaded


def parse(text: str, source: str = "recipe") -> Recipe:
    """The recipe in a YAML text; `source` names the text in errors, which are those of `load`."""
    try:
        settings = yaml.load(text, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise RecipeError(f"{source}{where}: {error.problem or error.context}. The file is not valid YAML.") from error
    except yaml.YAMLError as error:
        raise RecipeError(f"{source} is not valid YAML: {' '.join(str(error).split())}.") from error
    except RecursionError as error:
        raise RecipeError(f"{source} nests one group in another too deeply; a recipe needs four levels.") from error
    if settings is None:
        raise RecipeError(f"{source} is empty; a recipe needs at least name, corpus, network and training.")
    if not isinstance(settings, dict):
        raise RecipeError(
            f"{source} holds {_kind_of(settings)}; a recipe is a list of settings, such as `name: my-model`."
        )
    try:
        return Recipe.model_validate(settings)
    except pydantic.ValidationError as error:
        lines = sentences(error, Recipe, settings)
        raise RecipeError(f"{source}: {lines[0]}" if len(lines) == 1 else "\n".join([f"{source}:", *lines])) from error


def _find(recipe: str | Path) -> Path:
    path = Path(recipe)
    if path.is_file():
        return path
    if path.is_dir():
        raise RecipeError(f"{recipe} is a folder; give a recipe file in it.")
    name = str(recipe)
    for known in (SHIPPED / f"{name}.yaml", SHIPPED / name):
        if Path(name).name == name and known.is_file():
            return known
    near = difflib.get_close_matches(Path(name).stem, shipped(), n=1, cutoff=0.5)
    meant = f" Did you mean {near[0]}?" if near else ""
    raise RecipeError(f"There is no recipe file {recipe}.{meant} Shipped recipes: {', '.join(shipped())}.")


def _kind_of(value: object) -> str:
    kinds: dict[type, str] = {list: "a list", str: "one text"}
    return kinds.get(type(value), f"one value ({value})")
