"""A recipe: everything that decides what a model is, in one YAML file that is checked before any work starts.

The models below are the only description of a recipe. The check, the sentences of its errors (`explain.py`)
and docs/recipes.md are all made from them, so every setting carries its meaning, its unit and its reason here.
What a setting does to words, weights or tables is left to `corpora/`, `training.py` and `recording.py`.
"""

import codecs
import difflib
import re
from pathlib import Path
from typing import Annotated, Literal

import pydantic
import yaml
from pydantic import Field, model_validator

from pipelines.errors import RecipeError
from pipelines.explain import nearest, sentences

SHIPPED = Path(__file__).parent / "recipes"

Count = Annotated[int, Field(ge=1)]
Chance = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class Settings(pydantic.BaseModel):
    """A group of settings: unknown keys are refused, values are taken as written, never converted."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True, frozen=True)


# --- the corpus -------------------------------------------------------------------------------------------


class Shares(Settings):
    """How much of the corpus trains, validates and tests. The parts follow one another in this order."""

    train: Annotated[float, Field(gt=0, le=1)] = Field(0.9, description="Share to train on.")
    validation: Share = Field(0.05, description="Share that decides when to stop; 0 for none.")
    test: Share = Field(0.05, description="Share kept for the final measure; 0 for none.")

    @model_validator(mode="after")
    def _whole(self):
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"add up to {total:g}; train, validation and test must add up to 1")
        return self


class Parentheses(Settings):
    """Brackets at most four levels deep, with digits that name the level: generated, nothing to download.

    Every symbol is an opening bracket, a closing bracket or the digit of the current level, drawn at random
    (the synthetic language of LSTMVis, section 6.1). Tracks: `nesting` and `position`.
    """

    kind: Literal["parentheses"]
    symbols: Count = Field(200_000, description="Symbols to generate, over all splits.")
    levels: Annotated[int, Field(ge=1, le=9)] = Field(
        4, description="Deepest nesting. The digits 0 to this number are the alphabet beside ( and )."
    )
    opening: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.2,
        description="Chance of an opening bracket where one is allowed. Equal to `closing`, every level is "
        "visited equally often, the deepest one included.",
    )
    closing: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.2, description="Chance of a closing bracket where one is allowed."
    )
    seed: Annotated[int, Field(ge=0)] = Field(1, description="Seed of the generator: same seed, same text.")
    shares: Shares = Field(Shares(), description="Train, validation and test, in the order of the text.")

    @model_validator(mode="after")
    def _room_for_digits(self):
        if self.opening + self.closing >= 1:
            raise ValueError(
                f"opening and closing add up to {self.opening + self.closing:g}; "
                "they must leave room for digits, so give less than 1 together"
            )
        return self


class _Words(Settings):
    """Settings shared by corpora whose vocabulary is counted on the training split."""

    vocabulary: Annotated[int, Field(ge=2)] | None = Field(
        None,
        description="Most words (or characters) to keep, the most frequent first, the unknown word included; "
        "null for no limit. The output layer has one row a word, so this bounds its cost.",
    )
    minimum_count: Count = Field(1, description="Words rarer than this in the training split become the unknown word.")
    unknown: Annotated[str, Field(min_length=1)] = Field(
        "<unk>", description="How the unknown word is written in the vocabulary."
    )
    maximum_steps: Count | None = Field(
        None, description="Most steps to use, over all splits, from the start of the corpus; null for all."
    )


class PythonSource(_Words):
    """The source of Python's standard library, by character: on every machine that runs this.

    Tests, site-packages and idlelib are left out. The choice of files is the same on every run of one Python
    version. Tracks from Python's own tokenizer: `token`, `nesting`, `in_string`, `in_comment`.
    """

    kind: Literal["python-source"]
    folder: str | None = Field(
        None,
        description="A folder of .py files to read in place of the standard library; null for the library.",
    )
    unknown: Annotated[str, Field(min_length=1)] = Field(
        "\ufffd", description="How the unknown character is written in the vocabulary."
    )
    minimum_count: Count = Field(
        20, description="Characters rarer than this in the training split become the unknown one."
    )
    maximum_steps: Count | None = Field(
        1_000_000, description="Most characters to use, over all splits; null for all of about 9 million."
    )
    sequences: Literal["file", "stream"] = Field(
        "file",
        description="Where the state is reset to zero: at the start of every file, or only at the first.",
    )
    shares: Shares = Field(Shares(), description="Train, validation and test, in whole files.")


class Text(_Words):
    """Any text file or files, by character or by word."""

    _beside: Path | None = pydantic.PrivateAttr(None)  # where the recipe lies; no part of what it says

    kind: Literal["text"]
    files: Annotated[list[str], Field(min_length=1)] = Field(
        description="Text files, read in this order. A path is looked for beside the recipe, in the corpora "
        "folder and in the current folder."
    )
    validation_files: list[str] | None = Field(
        None, description="Files to validate on; null to take `shares` of `files`."
    )
    test_files: list[str] | None = Field(None, description="Files to test on; null to take `shares` of `files`.")
    level: Literal["character", "word"] = Field(
        "character", description="What a step is. By character, every line break is a step too."
    )
    tokenizer: Literal["whitespace", "nltk"] = Field(
        "whitespace",
        description="By word: split at white space, or with NLTK's word tokenizer, which takes punctuation apart.",
    )
    lower: bool = Field(False, description="Turn everything to lower case.")
    encoding: str = Field("utf-8", description="How the files are encoded.")
    line_end: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="By word: a word to write at the end of every line, such as <eos>; null for none."
    )
    sequences: Literal["stream", "file", "line", "sentence"] = Field(
        "stream",
        description="Where the state is reset to zero: only at the first step, or at the start of every file, "
        "line or sentence (by word only; sentences as NLTK finds them).",
    )
    maximum_length: Count | None = Field(
        None, description="Most steps of a sequence; the rest of a longer one is left out. Not for a stream."
    )
    predicted_pos: bool = Field(
        False, description="By word: add a track `pos` from NLTK's tagger, marked as predicted."
    )
    shares: Shares = Field(
        Shares(),
        description="Train, validation and test, cut at whole lines, or at whole files if those reset.",
    )

    @pydantic.field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        try:
            codecs.lookup(encoding)
        except LookupError as error:
            raise ValueError(
                "is no encoding that Python knows; the usual ones are utf-8, latin-1 and utf-16"
            ) from error
        return encoding

    @model_validator(mode="after")
    def _settings_fit(self):
        if self.level == "character":
            for name, off in (("tokenizer", "whitespace"), ("line_end", None), ("predicted_pos", False)):
                if getattr(self, name) != off:
                    raise ValueError(f"{name} is for level: word, and level is character; leave {name} out")
            if self.sequences == "sentence":
                raise ValueError("sequences: sentence is for level: word; by character choose stream, file or line")
        if self.maximum_length is not None and self.sequences == "stream":
            raise ValueError("maximum_length has no meaning in one stream; choose sequences: line, sentence or file")
        return self


class PennTreebank(Settings):
    """Mikolov's preparation of the Penn Treebank: 929,589 training words, 10,000 types, `<eos>` after each line.

    Looked for in the corpora folder, else downloaded and checked against its SHA-256. Gold tracks on a part of
    the training split, from NLTK's `treebank` (part of speech) and `conll2000` (part of speech and phrases).
    """

    kind: Literal["penn-treebank"]
    vocabulary: Annotated[int, Field(ge=2)] | None = Field(
        None, description="Most words to keep, `<unk>` included; null for all 10,000."
    )
    minimum_count: Count = Field(1, description="Words rarer than this in the training split become `<unk>`.")
    sequences: Literal["stream", "line"] = Field(
        "stream",
        description="Where the state is reset to zero: only at the first step (as published), or at every line.",
    )
    tracks: list[Literal["pos", "universal_pos", "chunk", "phrase"]] = Field(
        ["pos", "universal_pos", "chunk", "phrase"],
        description="Gold tracks of the training split. `chunk` is B-NP, I-NP, ... and `phrase` the same without "
        "B- and I-. Steps without gold have the empty label.",
    )
    predicted_pos: bool = Field(
        False,
        description="Fill `pos` and `universal_pos` from NLTK's tagger where there is no gold, in every split; "
        "the track then says so.",
    )
    maximum_steps: Count | None = Field(None, description="Most steps of each split, from its start; null for all.")


class Nltk(_Words):
    """A corpus of NLTK, by name, with its own tags as tracks where it has them."""

    kind: Literal["nltk"]
    corpus: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")] = Field(
        description="NLTK's name of it: brown, treebank, conll2000, movie_reviews, shakespeare, ..."
    )
    lower: bool = Field(False, description="Turn every word to lower case (tags are kept).")
    sequences: Literal["sentence", "stream", "file"] = Field(
        "sentence",
        description="Where the state is reset to zero: every sentence, every file, or only at the first step.",
    )
    sentence_end: Annotated[str, Field(min_length=1)] | None = Field(
        "<eos>", description="A word to write at the end of every sentence; null for none."
    )
    maximum_length: Count | None = Field(
        None, description="Most steps of a sequence; the rest of a longer one is left out. Not for a stream."
    )
    predicted_pos: bool = Field(
        False,
        description="For a corpus without tags: add a track `pos` from NLTK's tagger, marked as predicted.",
    )
    shares: Shares = Field(Shares(), description="Train, validation and test, in whole sequences.")

    @model_validator(mode="after")
    def _settings_fit(self):
        if self.maximum_length is not None and self.sequences == "stream":
            raise ValueError("maximum_length has no meaning in one stream; choose sequences: sentence or file")
        return self


AnyCorpus = Annotated[Parentheses | PythonSource | Text | PennTreebank | Nltk, Field(discriminator="kind")]


# --- the network, its training, its recording -------------------------------------------------------------


class Layer(Settings):
    """One recurrent layer."""

    cell: Literal["vanilla", "lstm", "gru", "nested-lstm"] = Field(description="The recurrent cell.")
    units: Count = Field(description="Width of the state: hidden units of this layer.")
    peepholes: bool = Field(False, description="lstm: let the gates see the cell state.")
    reset: Literal["before", "after"] = Field(
        "after",
        description="gru: apply the reset gate before or after the product with the recurrent weights.",
    )
    depth: Annotated[int, Field(ge=1)] = Field(
        2, description="nested-lstm: number of memories inside one another; 1 is an LSTM."
    )

    @model_validator(mode="after")
    def _settings_fit(self):
        for name, cell in (("peepholes", "lstm"), ("reset", "gru"), ("depth", "nested-lstm")):
            if name in self.model_fields_set and self.cell != cell:
                raise ValueError(f"{name} is a setting of cell: {cell}, and cell is {self.cell}; leave {name} out")
        return self

    @property
    def states(self) -> list[str]:
        """Every memory and hidden vector of the cell, as the store names them behind `layer1.`."""
        memories = {"lstm": ["c"], "nested-lstm": [f"c{level}" for level in range(1, self.depth + 1)]}
        return [*memories.get(self.cell, []), "h"]

    @property
    def gates(self) -> list[str]:
        """Every gate of the cell."""
        nested = [f"{gate}{level}" for level in range(1, self.depth + 1) for gate in "ifzo"]
        return {"vanilla": [], "lstm": list("ifgo"), "gru": list("zrg"), "nested-lstm": nested}[self.cell]


class Network(Settings):
    """Embedding, recurrent layers from the input upwards, and a softmax over the vocabulary."""

    embedding: Count = Field(description="Numbers a word is represented by at the input.")
    layers: Annotated[list[Layer], Field(min_length=1)] = Field(description="The recurrent layers, lowest first.")
    tie: bool = Field(
        False,
        description="Use the embedding as output weights too: fewer parameters; the last layer must be as wide "
        "as the embedding.",
    )
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Chance to drop a value between layers (never along time) while training."
    )

    @model_validator(mode="after")
    def _tied_sizes_agree(self):
        if self.tie and self.layers[-1].units != self.embedding:
            raise ValueError(
                f"tie needs an embedding as wide as the last layer; embedding is {self.embedding} and "
                f"the last layer has {self.layers[-1].units} units"
            )
        return self


class Training(Settings):
    """How the weights are found: truncated backpropagation through time, minimising the next word's loss."""

    epochs: Count = Field(description="Passes over the training split, at most.")
    batch: Count = Field(20, description="Stretches of text that are read side by side.")
    unroll: Count = Field(20, description="Steps that a gradient reaches back (a training window).")
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
        5, description="Most probable next words to record at each step; 0 for none."
    )


class Recipe(Settings):
    """A model: the corpus it reads, the network, its training, and what is recorded."""

    name: str = Field(description="The model's name in the store: letters, digits, `.`, `_`, `-` and spaces.")
    description: str = Field("", description="A sentence for the list of models.")
    corpus: AnyCorpus = Field(description="What the network reads; `kind` decides which settings there are.")
    network: Network = Field(description="Embedding, recurrent layers and output.")
    training: Training = Field(description="How the weights are found.")
    record: Record = Field(Record(), description="What is written to the store.")

    @model_validator(mode="after")
    def _splits_exist(self):
        shares = getattr(self.corpus, "shares", None)
        if self.record.split in missing_splits(self.corpus):
            raise ValueError(
                f"record.split is {self.record.split}, but corpus.shares.{self.record.split} is "
                f"{getattr(shares, self.record.split):g}; give it a share or record another split"
            )
        return self

    @model_validator(mode="after")
    def _states_exist(self):
        known = [f"layer{n}.{series}" for n, at in enumerate(self.network.layers, 1) for series in at.states + at.gates]
        for index, name in enumerate(self.record.states or []):
            if name not in known:
                raise ValueError(
                    f"record.states[{index}] is '{name}', which this network does not have; "
                    f"{nearest(name, known, 'it has')}"
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


def missing_splits(corpus) -> set[str]:
    """Splits that a corpus of these settings will not have."""
    shares = getattr(corpus, "shares", None)
    if shares is None:
        return set()
    given = {name for name in ("validation", "test") if getattr(corpus, f"{name}_files", None)}
    return {name for name in ("validation", "test") if getattr(shares, name) == 0} - given


# --- reading one ------------------------------------------------------------------------------------------


class _Loader(yaml.SafeLoader):
    """YAML as people write it: 1e-3 is a number, and a key given twice is a mistake."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be one word", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} is given twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


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
    if isinstance(loaded.corpus, Text):
        loaded.corpus._beside = path.resolve().parent
    return loaded


def parse(text: str, source: str = "recipe") -> Recipe:
    """The recipe in a YAML text; `source` names the text in errors, which are those of `load`."""
    try:
        settings = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise RecipeError(f"{source}{where}: {error.problem or error.context}. The file is not valid YAML.") from error
    except yaml.YAMLError as error:
        raise RecipeError(f"{source} is not valid YAML: {' '.join(str(error).split())}.") from error
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


def _kind_of(value) -> str:
    return {list: "a list", str: "one text"}.get(type(value), f"one value ({value})")


# --- describing them all ----------------------------------------------------------------------------------


def document() -> str:
    """docs/recipes.md: every setting of a recipe as a Markdown table, made from the models above."""
    parts = [_INTRODUCTION.format(shipped=_shipped_table())]
    parts.append(_table(Recipe, "A recipe", 2))
    parts.append("## corpus\n\nWhat the network reads. `kind` decides which settings there are.\n")
    for kind in (Parentheses, PythonSource, Text, PennTreebank, Nltk):
        name = kind.model_fields["kind"].annotation.__args__[0]
        parts.append(_table(kind, f"corpus, kind: {name}", 3))
    parts.append(_table(Shares, "corpus.shares", 3))
    for group, title in ((Network, "network"), (Layer, "network.layers[]"), (Training, "training"), (Record, "record")):
        parts.append(_table(group, title, 2))
    return "\n".join(parts)


_INTRODUCTION = """# Recipes

A recipe is a YAML file that describes a model: the corpus, the network, its training and what is recorded.
`python -m pipelines run RECIPE` takes the path of one, or the name of one that comes with the project:

{shipped}

The smallest recipe for a text of your own:

```yaml
name: my-model
corpus:
  kind: text
  files: [my-text.txt]
network:
  embedding: 32
  layers:
    - {{cell: lstm, units: 100}}
training:
  epochs: 5
```

A key that is not in the tables below is refused with the nearest right one, before any work starts. This page is made
from the same description as that check (`make docs`).
"""


def _shipped_table() -> str:
    rows = [f"| `{name}` | {load(name).description} |" for name in shipped()]
    return "\n".join(["| recipe | what it is |", "|---|---|", *rows])


def _table(group: type[Settings], title: str, depth: int) -> str:
    """A heading, the class's docstring and a row for every setting."""
    schema = group.model_json_schema()
    rows = [
        f"| `{key}` | {_type(rule, schema)} | {_default(key, rule, schema)} | {rule.get('description', '')} |"
        for key, rule in schema["properties"].items()
        if key != "kind"
    ]
    text = " ".join((group.__doc__ or "").split())
    return "\n".join(
        [f"{'#' * depth} {title}\n\n{text}\n\n| setting | value | default | meaning |\n|---|---|---|---|", *rows, ""]
    )


_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
}


def _type(rule: dict, schema: dict) -> str:
    if "anyOf" in rule:
        return " or ".join(_type(option, schema) for option in rule["anyOf"])
    if "$ref" in rule or "oneOf" in rule or "discriminator" in rule:
        return "settings"
    if "enum" in rule or "const" in rule:
        return ", ".join(f"`{word}`" for word in rule.get("enum", [rule.get("const")]))
    if rule.get("type") == "array":
        return f"list of {_type(rule['items'], schema)}"
    name = {"integer": "whole number", "number": "number", "boolean": "true or false", "string": "text", "null": "null"}
    limits = [f"{words} {rule[bound]:g}" for bound, words in _BOUNDS.items() if bound in rule]
    return " ".join([name[rule["type"]], " and ".join(limits)]).strip()


def _default(key: str, rule: dict, schema: dict) -> str:
    if key in schema.get("required", []):
        return "required"
    default = rule.get("default")
    if isinstance(default, dict):
        return ", ".join(f"{k} {v}" for k, v in default.items()) if key == "shares" else "all defaults"
    if isinstance(default, bool) or default is None:
        return {True: "true", False: "false", None: "null"}[default]
    if isinstance(default, list):
        return f"[{', '.join(map(str, default))}]"
    return f"{default}" if default != "" else "empty"
