"""Settings that several kinds of corpora have: shares of splits, the vocabulary, files of one's own."""

import codecs
from pathlib import Path
from typing import Annotated, Self

import pydantic
from pydantic import AfterValidator, Field, model_validator

from pipelines.settings import Count, Settings, Share


class Shares(Settings):
    """How much of the corpus trains, validates and tests. The parts follow one another in this order."""

    train: Annotated[float, Field(gt=0, le=1)] = Field(0.9, description="Share to train on.")
    validation: Share = Field(0.05, description="Share that decides when to stop; 0 for none.")
    test: Share = Field(0.05, description="Share kept for the final measure; 0 for none.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"add up to {total:g}; train, validation and test must add up to 1")
        return self


class Vocabulary(Settings):
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


class Words(Vocabulary):
    """The same for corpora of which any number of steps may be used."""

    maximum_steps: Count | None = Field(
        None, description="Most steps to use, over all splits, from the start of the corpus; null for all."
    )


def _known_encoding(encoding: str) -> str:
    try:
        codecs.lookup(encoding)
    except LookupError as error:
        raise ValueError("is no encoding that Python knows; the usual ones are utf-8, latin-1 and utf-16") from error
    return encoding


Encoding = Annotated[str, AfterValidator(_known_encoding)]


class FromFiles(Settings):
    """Settings that name files of the person who wrote the recipe."""

    _beside: Path | None = pydantic.PrivateAttr(None)  # where the recipe lies; no part of what it says
