"""The kinds of corpus that a recipe can name, each with its settings; what they do is left to the module of a kind."""

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from pipelines.corpora.labelled_settings import LabelledText
from pipelines.corpora.shared_settings import Encoding, FromFiles, Shares, Words
from pipelines.settings import Count, Settings


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
    def _room_for_digits(self) -> Self:
        if self.opening + self.closing >= 1:
            raise ValueError(
                f"opening and closing add up to {self.opening + self.closing:g}; "
                "they must leave room for digits, so give less than 1 together"
            )
        return self


class PythonSource(Words):
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


class Text(Words, FromFiles):
    """Any text file or files, by character or by word."""

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
    encoding: Encoding = Field("utf-8", description="How the files are encoded.")
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

    @model_validator(mode="after")
    def _settings_fit(self) -> Self:
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


class Nltk(Words):
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
    def _settings_fit(self) -> Self:
        if self.maximum_length is not None and self.sequences == "stream":
            raise ValueError("maximum_length has no meaning in one stream; choose sequences: sentence or file")
        return self


class Chords(Words):
    """Chords of 739 songs of the American charts, 1958 to 1991, bar by bar: the McGill Billboard corpus.

    Looked for in the corpora folder, else downloaded and checked against its checksum. A song is a sequence, and
    no title is in two splits. Tracks: `song`, `section`, `bar`, `beat`, `degree`, `progression` and
    `progression_chunk`.
    """

    kind: Literal["chords"]
    spelling: Literal["chord", "degree"] = Field(
        "chord",
        description="chord: as written (C:maj). degree: the root as a degree of the song's key (V:7), so that "
        "songs in all keys are spelled alike.",
    )
    bars: bool = Field(True, description="Read bar lines (|) and held beats (.) as words too; false for chords alone.")
    shares: Shares = Field(
        Shares(train=0.6, validation=0.35, test=0.05),
        description="Train, validation and test, in whole titles. Progressions are rare, so much is left to look at.",
    )


class Genome(Words, FromFiles):
    """A genome by letter, from FASTA files of one's own, with the intervals of BED files as tracks.

    A record (or region) is a sequence. Lower-case letters are read in upper case and kept in the track `repeat`.
    """

    kind: Literal["genome"]
    files: Annotated[list[str], Field(min_length=1)] = Field(
        description="FASTA files (.gz too), or plain text of bases. A path is looked for beside the recipe, in the "
        "corpora folder and in the current folder."
    )
    regions: Annotated[list[str], Field(min_length=1)] | None = Field(
        None,
        description="What to read of them, such as chr21:30,000,001-31,000,000 (first and last base, from 1) or chr21; "
        "null for all.",
    )
    tracks: dict[str, str] | None = Field(
        None,
        description="Tracks from BED files, as in {CTCF: ctcf.bed}: the name is the label where an interval lies; null "
        "for none.",
    )
    unknown: Annotated[str, Field(min_length=1)] = Field(
        "N", description="How a letter is written that the training split does not have."
    )
    shares: Shares = Field(
        Shares(), description="Train, validation and test, cut at whole records or regions if there are several."
    )


class Autocomplete(FromFiles):
    """Words to complete: text by character (a to z and space), each character with its whole word as target.

    The problem and the preparation of *Visualizing memorization in RNNs* (Madsen, 2019). Track: `known`, the characters
    of the word that were read.
    """

    kind: Literal["autocomplete"]
    files: Annotated[list[str], Field(min_length=1)] = Field(
        description="Text files, such as text8. Capitals become small letters, all else a space. A path is looked for "
        "beside the recipe, in the corpora folder and in the current folder."
    )
    encoding: Encoding = Field("utf-8", description="How the files are encoded.")
    observation: Annotated[int, Field(ge=2, le=512)] = Field(
        200, description="Most characters of an observation, at which the state is reset. No word is cut."
    )
    words: Count = Field(
        2**14,
        description="Most words to tell apart, the most frequent of the training split; others are only read.",
    )
    maximum_words: Count | None = Field(None, description="Most words of the text to use; null for all.")
    shares: Shares = Field(Shares(), description="Train, validation and test, in whole observations.")


AnyCorpus = Annotated[
    Parentheses | PythonSource | Text | PennTreebank | Nltk | Chords | Genome | LabelledText | Autocomplete,
    Field(discriminator="kind"),
]

KINDS: dict[str, type[Settings]] = {
    get_args(kind.model_fields["kind"].annotation)[0]: kind for kind in get_args(get_args(AnyCorpus)[0])
}
"""The kinds by the name that a recipe gives."""


def missing_splits(corpus: Settings) -> set[str]:
    """Splits that a corpus of these settings will not have."""
    shares = getattr(corpus, "shares", None)
    if shares is None:
        return set()
    given = {name for name in ("validation", "test") if getattr(corpus, f"{name}_files", None)}
    return {name for name in ("validation", "test") if getattr(shares, name) == 0} - given
