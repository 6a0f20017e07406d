"""docs/recipes.md, made from the models of a recipe, so that the page and the check of a recipe cannot disagree."""

from pipelines.corpora.kinds import KINDS
from pipelines.corpora.shared_settings import Shares
from pipelines.recipe import Embedding, Itemize, Layer, Network, Recipe, Record, Training, layer_of, load, shipped
from pipelines.settings import Settings
from rnnstore.networks.cells import CELLS


def document() -> str:
    """docs/recipes.md: every setting of a recipe as a Markdown table, made from the models of a recipe."""
    parts = [_INTRODUCTION.format(shipped=_shipped_table())]
    parts.append(_table(Recipe, "A recipe", 2))
    parts.append("## corpus\n\nWhat the network reads. `kind` decides which settings there are.\n")
    for name, kind in KINDS.items():
        parts.append(_table(kind, f"corpus, kind: {name}", 3))
    parts.append(_table(Shares, "corpus.shares", 3))
    groups: dict[str, type[Settings]] = {
        "network": Network, "network.embedding": Embedding, "network.layers[]": Layer, **_layers(),
        "training": Training, "training.itemize": Itemize, "record": Record,
    }  # fmt: skip
    for title, group in groups.items():
        parts.append(_table(group, title, 2))
    return "\n".join(parts)


_INTRODUCTION = """# Recipes

A recipe is a YAML file that describes a model: the corpus, the network, its training and what is recorded.
`python -m pipelines run RECIPE` takes the path of one, or the name of one that comes with the project:

{shipped}

Times are rough, for two cores, and some are reckoned from the speed of a similar network; `takes` says them to
`python -m pipelines recipes`. On Linux with an Intel or AMD processor `requirements-pipelines.txt`
takes TensorFlow's build for processors, 1.9 GB smaller than the other. To train on an Nvidia GPU, put that one in its
place: `pip uninstall tensorflow-cpu`, then `pip install "tensorflow[and-cuda]"`.

## Word vectors to start with

An embedding may start as word vectors that were made elsewhere, and be trained further or left as it is:

```yaml
network:
  embedding: {{file: glove.6B.100d.txt, tuned: false}}
```

The file may be text as word2vec and GloVe write it, packed by gzip or not, or an array of NumPy. `model: ptb-lstm-256`
takes the embedding of another model of the same store, and `neighbours: 5` with a `width` makes vectors of the training
text itself, by counting which words stand within five steps of one another (positive pointwise mutual information, and
a singular value decomposition of it): no download, and the same every time. Words are looked for as they are spelled;
those without a vector start at random, with the mean and the spread of the others, and how many they are, and how much
of the text, is printed and stands in the model's notes. Fixed vectors do not move and are no part of the gradient's
norm or of the number of parameters.

## Texts of your own

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

and for texts with a label each, to train a classifier (a line of `my-reviews.txt` is a label, a tab, and a text):

```yaml
name: my-classifier
corpus:
  kind: labelled-text
  files: [my-reviews.txt]
network:
  embedding: 32
  layers:
    - {{cell: gru, units: 50}}
training:
  epochs: 5
```

A classifier reads whole texts, from a state of zero, and is asked for the label after the last step: there its loss is
taken, and there alone `predictions` has a target; what it would say is recorded after every step. The weights kept are
those of the epoch with the lowest loss in validation. Its results are the `accuracy in %` and the `balanced accuracy
in %`, the mean of the accuracies on each label, which guessing the commonest label does not raise. What is left out of
a corpus, and why, is printed before the training and stands in the model's notes.

A key that is not in the tables below is refused with the nearest right one, before any work starts. This page is made
from the same description as that check (`make docs`).
"""


def _shipped_table() -> str:
    found = [load(name) for name in shipped()]
    rows = [f"| `{each.name}` | {each.network.summary} | {each.takes} | {each.description} |" for each in found]
    top = ["| recipe | layers | takes about | what it is |", "|---|---|---|---|"]
    return "\n".join([*top, *rows])


def _layers() -> dict[str, type[Settings]]:
    """The settings of a layer of each cell that has options."""
    return {f"network.layers[], cell: {kind}": layer_of(kind) for kind in CELLS if CELLS[kind].Options.model_fields}


def _table(group: type[Settings], title: str, depth: int) -> str:
    """A heading, the class's docstring and a row for every setting."""
    schema = group.model_json_schema()
    rows = [
        f"| `{key}` | {_type(rule, schema)} | {_default(key, rule, schema)} | {rule.get('description', '')} |"
        for key, rule in schema["properties"].items()
        if key != "kind" and not (group is not Layer and issubclass(group, Layer) and key in Layer.model_fields)
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
    if "anyOf" in rule or ("oneOf" in rule and "discriminator" not in rule):
        return " or ".join(_type(option, schema) for option in rule.get("anyOf") or rule["oneOf"])
    if "$ref" in rule or "oneOf" in rule or "discriminator" in rule:
        return "settings"
    if "enum" in rule or "const" in rule:
        return ", ".join(f"`{word}`" for word in rule.get("enum", [rule.get("const")]))
    if rule.get("type") == "array":
        return f"list of {_type(rule['items'], schema)}"
    if rule.get("type") == "object":
        return f"{_type(rule['additionalProperties'], schema)} for each label"
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
