"""Recipes: what is accepted, and the sentence for everything that is not."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipelines import corpora, recipe, recipe_page
from pipelines.corpora import kinds, shared_settings
from pipelines.errors import RecipeError
from rnnstore.errors import StoreError
from rnnstore.networks.cells import build

SMALLEST = {
    "name": "small",
    "corpus": {"kind": "parentheses"},
    "network": {"embedding": 4, "layers": [{"cell": "lstm", "units": 8}]},
    "training": {"epochs": 1},
}

ALL_KINDS = " or ".join(", ".join(kinds.KINDS).rsplit(", ", 1))


def changed(**groups) -> str:
    """The smallest recipe as YAML; a group given as a dict is merged, anything else replaces it, None drops it."""
    settings = {key: dict(value) if isinstance(value, dict) else value for key, value in SMALLEST.items()}
    for key, value in groups.items():
        if isinstance(value, dict) and isinstance(settings.get(key), dict):
            settings[key] |= value
        else:
            settings[key] = value
    return yaml.safe_dump({key: value for key, value in settings.items() if value is not None})


def labelled(training=None, network=None, **corpus) -> str:
    """The smallest recipe of a classifier, changed likewise."""
    corpus = {"kind": "labelled-text", "files": ["a.txt"], **corpus}
    text = yaml.safe_load(changed(training=training or {}, network=network or {}))
    return yaml.safe_dump({**text, "corpus": corpus})


def mistake(text: str) -> str:
    """What the recipe's author is told, without the name of the file."""
    with pytest.raises(RecipeError) as caught:
        recipe.parse(text, "r.yaml")
    return str(caught.value).removeprefix("r.yaml").removeprefix(":").strip()


def test_the_smallest_recipe_gets_every_default():
    loaded = recipe.parse(changed())
    assert loaded.model_dump() == {
        "name": "small",
        "description": "",
        "takes": "",
        "licence": "",
        "corpus": {
            "kind": "parentheses",
            "symbols": 200_000,
            "levels": 4,
            "opening": 0.2,
            "closing": 0.2,
            "seed": 1,
            "shares": {"train": 0.9, "validation": 0.05, "test": 0.05},
        },
        "network": {
            "embedding": 4,
            "layers": [{"cell": "lstm", "units": 8, "peepholes": False}],
            "tie": False,
            "dropout": 0.0,
            "input_dropout": None,
        },
        "training": {
            "epochs": 1,
            "batch": 20,
            "unroll": 20,
            "optimizer": "adam",
            "learning_rate": 0.002,
            "decay": 1.0,
            "decay_after": 0,
            "clip": 5.0,
            "initial": None,
            "seed": 1,
            "patience": None,
            "minutes": None,
            "itemize": None,
        },
        "record": {
            "split": "validation",
            "start": 0,
            "steps": None,
            "states": None,
            "gates": False,
            "thresholds": [0.3],
            "predictions": 5,
        },
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        # keys
        (changed(trainin=3), "trainin is not a setting; did you mean training?"),
        (
            changed(network={"layers": [{"cell": "gru", "units": 3, "unit": 2}]}),
            "network.layers[0].unit is not a setting; did you mean units?",
        ),
        (
            changed(corpus={"shares": {"train": 0.9, "validate": 0.1, "test": 0.0}}),
            "corpus.shares.validate is not a setting; did you mean validation?",
        ),
        (
            changed(corpus={"zebra": 1}),
            "corpus.zebra is not a setting; settings there: kind, symbols, levels, opening, closing, seed or shares.",
        ),
        (changed(network=None), "network is missing: embedding, recurrent layers and output."),
        (changed(training={"epochs": None}), "training.epochs is empty (null); expected a whole number."),
        (
            changed(network={"layers": [{"cell": "gru"}]}),
            "network.layers[0].units is missing: width of the state: hidden units of this layer.",
        ),
        # kinds and choices
        (changed(corpus={"kind": "penntreebank"}), "corpus.kind is 'penntreebank'; did you mean penn-treebank?"),
        (
            changed(corpus={"kind": "xyz"}),
            f"corpus.kind is 'xyz'; the kinds are: {ALL_KINDS}.",
        ),
        (
            "name: a\ncorpus: {}\nnetwork: {embedding: 1, layers: [{cell: gru, units: 1}]}\ntraining: {epochs: 1}",
            f"corpus.kind is missing; the kinds are {ALL_KINDS}.",
        ),
        (
            changed(network={"layers": [{"cell": "lstmm", "units": 3}]}),
            "network.layers[0].cell is 'lstmm'; did you mean lstm?",
        ),
        (changed(training={"optimizer": "rprop"}), "training.optimizer is 'rprop'; expected one of: sgd or adam."),
        (changed(record={"split": "tset"}), "record.split is 'tset'; did you mean test?"),
        # types and sizes
        (changed(network={"embedding": -3}), "network.embedding is -3; it must be at least 1."),
        (changed(training={"batch": 0}), "training.batch is 0; it must be at least 1."),
        (changed(network={"embedding": 10**12}), "network.embedding is 1000000000000; it must be at most 65536."),
        (changed(training={"batch": True}), "training.batch is true; expected a whole number."),
        (changed(training={"unroll": 2.5}), "training.unroll is 2.5; expected a whole number."),
        (changed(training={"unroll": "ten"}), "training.unroll is 'ten'; expected a whole number."),
        (changed(training={"learning_rate": 0}), "training.learning_rate is 0; it must be more than 0."),
        (changed(training={"learning_rate": "fast"}), "training.learning_rate is 'fast'; expected a number."),
        (changed(network={"dropout": 1.0}), "network.dropout is 1.0; it must be less than 1."),
        (changed(training={"decay": 1.5}), "training.decay is 1.5; it must be at most 1."),
        (changed(network={"tie": "yes"}), "network.tie is 'yes'; expected true or false."),
        (changed(network={"layers": []}), "network.layers is empty; give at least 1."),
        (changed(network={"layers": 3}), "network.layers is 3; expected a list, as in [a, b]."),
        (changed(network=[3]), "network is a list of 1; expected settings, as in {key: value}."),
        (changed(record={"thresholds": 0.3}), "record.thresholds is 0.3; expected a list, as in [a, b]."),
        (changed(record={"thresholds": ["a"]}), "record.thresholds[0] is 'a'; expected a number."),
        (changed(name=3), "name is 3; expected text (put it in quotes)."),
        (
            changed(corpus={"kind": "nltk", "corpus": "../brown"}),
            "corpus.corpus is '../brown'; it must be a name of letters, digits and '_'.",
        ),
        # settings that do not fit one another
        (
            changed(network={"layers": [{"cell": "gru", "units": 3, "peepholes": True}]}),
            "network.layers[0].peepholes is a setting of cell: lstm, and cell is gru; leave peepholes out.",
        ),
        (
            changed(network={"tie": True}),
            "network.tie needs an embedding as wide as the last layer; embedding is 4 and the last layer has 8 units.",
        ),
        (
            changed(corpus={"shares": {"train": 0.5}}),
            "corpus.shares add up to 0.6; train, validation and test must add up to 1.",
        ),
        (
            changed(corpus={"opening": 0.5, "closing": 0.5}),
            "corpus.opening and closing add up to 1; they must leave room for digits, so give less than 1 together.",
        ),
        (
            changed(corpus={"shares": {"train": 1.0, "validation": 0.0, "test": 0.0}}),
            "record.split is validation, but corpus.shares.validation is 0; give it a share or record another split.",
        ),
        (
            changed(record={"states": ["layer1.h", "layer2.c"]}),
            "record.states[1] is 'layer2.c', which this network does not have; did you mean layer1.c?",
        ),
        (
            changed(corpus={"kind": "text", "files": ["a"], "tokenizer": "nltk"}),
            "corpus.tokenizer is for level: word, and level is character; leave tokenizer out.",
        ),
        (
            changed(corpus={"kind": "text", "files": ["a"], "maximum_length": 5}),
            "corpus.maximum_length has no meaning in one stream; choose sequences: line, sentence or file.",
        ),
        (
            changed(corpus={"kind": "text", "files": ["a"], "encoding": "utf9"}),
            "corpus.encoding 'utf9' is no encoding that Python knows; the usual ones are utf-8, latin-1 and utf-16.",
        ),
        # labelled texts
        (labelled(file="a"), "corpus.file is not a setting; did you mean files?"),
        (
            labelled(files="a.csv"),
            "corpus.files 'a.csv' must be a list of files, or a list of files for each label, as in {good: [a.txt]}.",
        ),
        (
            labelled(files={"good": "a.txt"}),
            "corpus.files must be a list of files, or a list of files for each label, as in {good: [a.txt]}; "
            "'good' is 'a.txt'.",
        ),
        (labelled(files={0: ["a"]}), "corpus.files must name labels and files by text; put 0 in quotes."),
        (labelled(labels={1: "bad"}), "corpus.labels must name labels by text; put 1 in quotes."),
        (labelled(labels={"1": 3}), "corpus.labels.1 is 3; expected text (put it in quotes)."),
        (
            labelled(label_column=0),
            "corpus.label_column 0 must be a number from 1, or a name that stands in the first line.",
        ),
        (
            labelled(label_column="stars"),
            "corpus.label_column and text_column must both be numbers, or both be names in the first line.",
        ),
        (labelled(label_column=2), "corpus.label_column and text_column are both 2; they must differ."),
        (
            labelled(files={"good": ["a"]}, separator="comma"),
            "corpus.separator is for tables, and files names files by label; leave separator out.",
        ),
        (
            labelled(test_files={"good": ["a"]}),
            "corpus.test_files must have the form of files, which is a list of tables.",
        ),
        (labelled(most_texts={"good": 0}), "corpus.most_texts.good is 0; it must be at least 1."),
        (labelled(balance="undersample"), "corpus.balance is 'undersample'; did you mean oversample?"),
        (
            labelled(encoding="utf9"),
            "corpus.encoding 'utf9' is no encoding that Python knows; the usual ones are utf-8, latin-1 and utf-16.",
        ),
        (
            labelled(tokenizer="nltk", level="character"),
            "corpus.tokenizer is for level: word, and level is character; leave tokenizer out.",
        ),
        (
            labelled(training={"unroll": 20}),
            "training.unroll has no meaning for labelled texts: a gradient reaches back to the first step of its text; "
            "leave unroll out.",
        ),
        (
            labelled(network={"tie": True, "embedding": 8}),
            "network.tie uses the embedding to predict words, and this network predicts labels; leave tie out.",
        ),
        (
            changed(name="../elsewhere"),
            "name '../elsewhere' is not a name: it must start with a letter or digit and hold only letters, digits, "
            "'.', '_', '-' and spaces, never a path.",
        ),
        # files
        ("", "is empty; a recipe needs at least name, corpus, network and training."),
        ("# only a comment", "is empty; a recipe needs at least name, corpus, network and training."),
        ("- a\n- b", "holds a list; a recipe is a list of settings, such as `name: my-model`."),
        ("hello", "holds one text; a recipe is a list of settings, such as `name: my-model`."),
        (
            "name: a\ncorpus: [1",
            ", line 2, column 11: expected ',' or ']', but got '<stream end>'. The file is not valid YAML.",
        ),
        (
            "name: a\n\tb: 3",
            ", line 2, column 1: found character '\\t' that cannot start any token. The file is not valid YAML.",
        ),
        (
            "name: a\nnetwork: {}\nname: b",
            ", line 3, column 1: name is given twice. The file is not valid YAML.",
        ),
        ("? [a, b]\n: 1", ", line 1, column 3: a key must be one word. The file is not valid YAML."),
    ],
)
def test_every_mistake_has_its_sentence(text, sentence):
    assert mistake(text) == sentence


def test_several_mistakes_are_all_named_in_one_go():
    assert mistake(changed(network={"embedding": 0, "layer": 2}, training={"epochs": -1})).splitlines() == [
        "network.embedding is 0; it must be at least 1.",
        "network.layer is not a setting; did you mean layers?",
        "training.epochs is -1; it must be at least 1.",
    ]


def test_numbers_may_be_written_with_an_exponent():
    text = changed().replace("epochs: 1", "epochs: 1\n  learning_rate: 1e-3")
    assert recipe.parse(text).training.learning_rate == 0.001


@pytest.mark.parametrize("name", ["a", "ptb-lstm-2x200", "my model 2", "v1.0_b"])
def test_plain_names_are_accepted(name):
    assert recipe.parse(changed(name=name)).name == name


@pytest.mark.parametrize("name", ["", " a", "a ", ".hidden", "a/b", "a\\b", "..", "ä", "a\nb", "model=x"])
def test_other_names_are_refused(name):
    assert "is not a name" in mistake(changed(name=name))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["name", "corpus", "network", "layers", "kind", "training", "record", "shares", "cell", "x"]
                ),
                inner,
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_stands_in_a_recipe_there_is_a_sentence_and_no_traceback(content):
    with pytest.raises(RecipeError):
        recipe.parse(yaml.safe_dump(content))


def test_an_error_of_a_recipe_is_one_of_the_store_so_that_one_handler_shows_all():
    assert issubclass(RecipeError, StoreError)


@pytest.mark.parametrize("name", recipe.shipped())
def test_every_shipped_recipe_is_valid_and_named_like_its_file(name):
    loaded = recipe.load(name)
    assert loaded.name == name
    assert loaded.description
    assert recipe.load(recipe.SHIPPED / f"{name}.yaml") == loaded


def test_a_recipe_that_is_not_there_gets_the_nearest_shipped_one():
    with pytest.raises(RecipeError, match=r"no recipe file demo-parenthesis\. Did you mean demo-parentheses\?"):
        recipe.load("demo-parenthesis")
    with pytest.raises(RecipeError, match=r"no recipe file qqqqq\.yaml\. Shipped recipes: autocomplete"):
        recipe.load("qqqqq.yaml")


def test_a_folder_and_a_binary_file_are_no_recipes(tmp_path):
    with pytest.raises(RecipeError, match="is a folder"):
        recipe.load(tmp_path)
    (tmp_path / "picture.yaml").write_bytes(b"name: \xff\xd8")
    with pytest.raises(RecipeError, match="is not a recipe: byte 6 is not UTF-8 text"):
        recipe.load(tmp_path / "picture.yaml")


def test_text_files_are_found_beside_the_recipe_and_their_paths_stay_as_written(tmp_path):
    (tmp_path / "here.txt").write_text("a b a b a b")
    path = tmp_path / "mine.yaml"
    shares = {"train": 0.5, "validation": 0.25, "test": 0.25}
    path.write_text(changed(corpus={"kind": "text", "files": ["here.txt"], "shares": shares}))
    loaded = recipe.load(path)
    assert loaded.corpus.model_dump()["files"] == ["here.txt"]
    assert sum(map(len, corpora.load(loaded.corpus).splits.values())) == 11


@pytest.mark.parametrize(
    "layer",
    [
        {"cell": "vanilla"},
        {"cell": "lstm"},
        {"cell": "lstm", "peepholes": True},
        {"cell": "gru"},
        {"cell": "nested-lstm", "depth": 3},
    ],
)
def test_the_states_that_a_recipe_may_name_are_those_of_the_cells(layer):
    settings = recipe.Layer.model_validate({"units": 2, **layer})
    options = {key: value for key, value in layer.items() if key != "cell"}
    cell = build(layer["cell"], 3, 2, **options)
    assert settings.series() == (list(cell.states), list(cell.gates))


def test_the_documentation_of_recipes_is_up_to_date():
    written = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
    assert written == recipe_page.document(), "run `make docs`"


def test_every_setting_is_documented():
    text = recipe_page.document()
    groups = [recipe.Recipe, recipe.Network, recipe.Layer, recipe.Training, recipe.Record, shared_settings.Shares]
    groups += kinds.KINDS.values()
    for group in groups:
        for key, field in group.model_fields.items():
            assert key == "kind" or (field.description and f"| `{key}` |" in text), f"{group.__name__}.{key}"
