"""The settings of labelled texts; `labelled.py` reads them."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from pipelines.corpora.shared_settings import Encoding, FromFiles, Shares, Vocabulary
from pipelines.settings import Count
from rnnstore.validation import shown


def _files(given: Any) -> Any:
    """One sentence for all that is neither a list of files nor lists of files by label."""
    by_label = given if isinstance(given, dict) else {None: given}
    lists = list(by_label.values())
    wrong = [label for label, files in by_label.items() if not isinstance(files, list) or not files]
    if wrong or not lists:
        which = f"; {shown(wrong[0])} is {shown(by_label[wrong[0]])}" if wrong and isinstance(given, dict) else ""
        raise ValueError(f"must be a list of files, or a list of files for each label, as in {{good: [a.txt]}}{which}")
    names = [*(given if isinstance(given, dict) else []), *(name for files in lists for name in files)]
    wrong = [name for name in names if type(name) is not str]
    if wrong:
        raise ValueError(f"must name labels and files by text; put {shown(wrong[0])} in quotes")
    return given


def _column(given: Any) -> Any:
    if type(given) not in (int, str) or given == "" or (type(given) is int and given < 1):
        raise ValueError("must be a number from 1, or a name that stands in the first line")
    return given


def _by_label(given: Any) -> Any:
    wrong = [] if not isinstance(given, dict) else [label for label in given if type(label) is not str]
    if wrong:
        raise ValueError(f"must name labels by text; put {shown(wrong[0])} in quotes")
    return given


Files = Annotated[list[str] | dict[str, list[str]], BeforeValidator(_files)]
Column = Annotated[int | str, BeforeValidator(_column)]


class LabelledText(Vocabulary, FromFiles):
    """Texts that have a label each, to train a classifier: the network says the label after a text's last step.

    Either tables, with a column of texts and one of labels, or files of lines that have one label. The state is
    reset at every text. No text is in two splits: one that is met several times is used once, and one that is met
    under several labels is left out. Track: `label`.
    """

    kind: Literal["labelled-text"]
    files: Files = Field(
        description="Tables, one text a line: [reviews.csv]. Or files of lines by label: {good: [good.txt], bad: "
        "[bad.txt]}. A path is looked for beside the recipe, in the corpora folder and in the current folder."
    )
    validation_files: Files | None = Field(
        None, description="Files to validate on, of the same form; null to take `shares` of `files`."
    )
    test_files: Files | None = Field(
        None, description="Files to test on, of the same form; null to take `shares` of `files`."
    )
    separator: Literal["tab", "comma", "semicolon"] = Field(
        "tab",
        description="Tables: what stands between columns. With commas and semicolons, a text may be put in quotes.",
    )
    label_column: Column = Field(
        1, description="Tables: the column with the labels, counted from 1, or its name in the first line."
    )
    text_column: Column = Field(2, description="Tables: the column with the texts, in the same way.")
    labels: Annotated[dict[str, str], BeforeValidator(_by_label)] | None = Field(
        None,
        description='What labels are to be called, as in {"1": bad, "2": bad, "5": good}; texts with a label that is '
        "not named here are left out. null for the labels as they are.",
    )
    level: Literal["word", "character"] = Field("word", description="What a step is.")
    tokenizer: Literal["whitespace", "nltk"] = Field(
        "whitespace",
        description="By word: split at white space, or with NLTK's word tokenizer, which takes punctuation apart.",
    )
    lower: bool = Field(False, description="Turn everything to lower case.")
    encoding: Encoding = Field("utf-8", description="How the files are encoded.")
    longest: Count | None = Field(None, description="Texts of more steps are left out; null for texts of any length.")
    most_texts: Annotated[dict[str, Count], BeforeValidator(_by_label)] | None = Field(
        None, description="Most texts of `files` to use of each label, drawn at random; null for all."
    )
    balance: Literal["as-is", "oversample"] = Field(
        "as-is",
        description="oversample: in the training split, repeat texts of the rarer labels until all are equally "
        "frequent. Validation and test stay as they are.",
    )
    seed: Annotated[int, Field(ge=0)] = Field(
        1, description="Seed of all that is drawn: which texts are used, in which split, and which are repeated."
    )
    shares: Shares = Field(
        Shares(train=0.8, validation=0.1, test=0.1),
        description="Train, validation and test, in whole texts, drawn at random; every label has these shares.",
    )

    @model_validator(mode="after")
    def _settings_fit(self) -> Self:
        if self.level == "character" and self.tokenizer != "whitespace":
            raise ValueError("tokenizer is for level: word, and level is character; leave tokenizer out")
        tables = isinstance(self.files, list)
        for name in ("validation_files", "test_files"):
            given = getattr(self, name)
            if given is not None and isinstance(given, list) != tables:
                form = "a list of tables" if tables else "lists of files by label"
                raise ValueError(f"{name} must have the form of files, which is {form}")
        if not tables:
            for name in ("separator", "label_column", "text_column"):
                if name in self.model_fields_set:
                    raise ValueError(f"{name} is for tables, and files names files by label; leave {name} out")
        elif isinstance(self.label_column, int) != isinstance(self.text_column, int):
            raise ValueError("label_column and text_column must both be numbers, or both be names in the first line")
        elif self.label_column == self.text_column:
            raise ValueError(f"label_column and text_column are both {self.label_column}; they must differ")
        return self
