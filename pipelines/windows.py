"""What a network reads in one step of its training: windows of long streams, or batches of whole texts.

Both are the same arrays, so that one compiled step serves both. Which words are in a window depends on the split, the
seed, the epoch and the window's number alone: a training that was interrupted reads on as if it had not been.
"""

from dataclasses import dataclass

import numpy as np

from pipelines.corpora.corpus import Corpus, Split
from pipelines.errors import CorpusError
from pipelines.recipe import Recipe

SHORTEST = 16  # steps of a window of short texts; longer ones have twice as many, and so on: each length is compiled
POOL = 50  # batches among which texts of like length are put together


@dataclass(frozen=True)
class Window:
    """Rows of words, read side by side.

    words    int32[batch, steps]    word ids
    targets  int32[batch, steps]    what ought to be predicted after each
    weigh    float32[batch, steps]  1 where that counts for the loss, 0 elsewhere
    keep     float32[batch, steps]  0 where a sequence starts, so that the state before is dropped; 1 elsewhere
    steps    how many of them are words of the text, and no filling
    """

    words: np.ndarray
    targets: np.ndarray
    weigh: np.ndarray
    keep: np.ndarray
    steps: int


class Streams:
    """The split as `batch` equal streams side by side, of which a window is the next `unroll` steps.

    The last steps that do not fill a row are left out. A target that starts another sequence is none, and weighs 0.
    """

    def __init__(self, split: Split, batch: int, unroll: int) -> None:
        steps = (len(split.word_ids) - 1) // batch
        ids = split.word_ids[: steps * batch + 1]
        starts = split.sequence_starts[: steps * batch + 1]
        self.words, self.targets = ids[:-1].reshape(batch, steps), ids[1:].reshape(batch, steps)
        self.weigh = (~starts[1:]).astype(np.float32).reshape(batch, steps)
        self.keep = (~starts[:-1]).astype(np.float32).reshape(batch, steps)
        self.unroll = unroll

    def __len__(self) -> int:
        return self.words.shape[1] // self.unroll

    def window(self, epoch: int, number: int) -> Window:
        """The window of this number, from 0: the same in every epoch."""
        here = slice(number * self.unroll, (number + 1) * self.unroll)
        words, targets, weigh, keep = (values[:, here] for values in (self.words, self.targets, self.weigh, self.keep))
        return Window(words, targets, weigh, keep, steps=words.size)


class Texts:
    """The labelled sequences of the split, `batch` at a time, each in a row of its own from its first step to its last.

    The label is the target, and counts after the last step alone; where steps have targets, each counts that has one.
    The order is drawn anew in every epoch, with texts of like length in the same batch; shorter ones, and an incomplete
    last batch, are filled up with steps of no weight.
    """

    def __init__(self, split: Split, batch: int, seed: int) -> None:
        self.split, self.batch, self.seed = split, batch, seed
        self.begins, self.lengths = np.flatnonzero(split.sequence_starts), split.lengths
        self.drawn = -1  # the epoch of `batches`
        self.batches: list[np.ndarray] = []

    def __len__(self) -> int:
        return -(-len(self.lengths) // self.batch)

    def window(self, epoch: int, number: int) -> Window:
        """The batch of this number in an epoch, both from 0."""
        if epoch != self.drawn:
            self.drawn, self.batches = epoch, self._order(epoch)
        texts = self.batches[number]
        lengths = self.lengths[texts]
        steps = SHORTEST
        while steps < lengths.max():
            steps *= 2
        inside = np.arange(steps) < lengths[:, None]  # [texts, steps]
        words, targets = np.zeros((2, self.batch, steps), np.int32)
        weigh, keep = np.zeros((self.batch, steps), np.float32), np.ones((self.batch, steps), np.float32)
        rows = np.arange(len(texts))
        at = self.begins[texts][:, None] + inside.cumsum(1) - 1
        words[rows] = np.where(inside, self.split.word_ids[at], 0)
        if self.split.targets is None:
            assert self.split.labels is not None  # without targets, the sequences have labels
            targets[rows] = self.split.labels[texts][:, None]
            weigh[rows, lengths - 1] = 1.0
        else:
            asked = inside & (self.split.targets[at] >= 0)
            targets[rows] = np.where(asked, self.split.targets[at], 0)
            weigh[rows] = asked
        keep[:, 0] = 0.0
        return Window(words, targets, weigh, keep, steps=int(lengths.sum()))

    def _order(self, epoch: int) -> list[np.ndarray]:
        """The numbers of the texts in every batch of an epoch."""
        rng = np.random.default_rng([self.seed, epoch])
        drawn, size = rng.permutation(len(self.lengths)), POOL * self.batch
        pools = [drawn[begin : begin + size] for begin in range(0, len(drawn), size)]
        ordered = np.concatenate([pool[np.argsort(self.lengths[pool], kind="stable")] for pool in pools])
        batches = [ordered[begin : begin + self.batch] for begin in range(0, len(ordered), self.batch)]
        return [batches[i] for i in rng.permutation(len(batches))]


def check_length(corpus: Corpus, recipe: Recipe) -> None:
    """Raises `CorpusError` if the corpus is too short for what the recipe wants to do with it."""
    training, record = recipe.training, recipe.record
    steps, needed = len(corpus.splits["train"]), training.batch * training.unroll + 1
    if corpus.labels is None and steps < needed:
        raise CorpusError(
            f"The training split of {corpus.name} has {steps_text(steps)}, and one training window takes {needed:,} "
            f"(batch {training.batch} x unroll {training.unroll}, and the word after). Use more text, or a smaller "
            f"training.batch or training.unroll."
        )
    steps = len(corpus.splits[record.split])
    if record.start >= steps:
        raise CorpusError(
            f"record.start is {record.start:,}, but the {record.split} split of {corpus.name} has only "
            f"{steps_text(steps)}."
        )


def steps_text(steps: int) -> str:
    return f"{steps:,} step{'' if steps == 1 else 's'}"
