"""Text before there is a vocabulary: words with sequence starts and tracks, joined, and divided into splits."""

from dataclasses import dataclass, field, replace
from itertools import compress

import numpy as np

from pipelines.corpora.shared_settings import Shares
from pipelines.errors import CorpusError


@dataclass(frozen=True)
class RawText:
    """Text before there is a vocabulary: words (list of str, or one str for characters) and what belongs to them.

    `cuts` are the steps at which a split may begin (whole lines, sentences or files); None allows any step.
    """

    words: list[str] | str
    sequence_starts: np.ndarray
    tracks: dict[str, np.ndarray] = field(default_factory=dict)
    cuts: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.words)

    def first(self, steps: int | None) -> "RawText":
        """At most this many steps from the start; all of them for None."""
        if steps is None or steps >= len(self):
            return self
        cuts = None if self.cuts is None else self.cuts[self.cuts < steps]
        return replace(self.part(0, steps), cuts=cuts)

    def shortened(self, longest: int | None) -> "RawText":
        """The same with at most `longest` steps of every sequence."""
        if longest is None:
            return self
        begins = np.flatnonzero(self.sequence_starts)
        steps = np.arange(len(self))
        kept = steps - begins[np.searchsorted(begins, steps, side="right") - 1] < longest
        words = list(compress(self.words, kept))
        tracks = {name: values[kept] for name, values in self.tracks.items()}
        cuts: np.ndarray | None = None if self.cuts is None else np.unique((np.cumsum(kept) - kept)[self.cuts])
        return RawText(
            "".join(words) if isinstance(self.words, str) else words, self.sequence_starts[kept], tracks, cuts
        )

    def part(self, start: int, stop: int) -> "RawText":
        """Steps start..stop-1, whose first is a sequence start."""
        starts = self.sequence_starts[start:stop].copy()
        starts[:1] = True
        tracks = {name: values[start:stop] for name, values in self.tracks.items()}
        return RawText(self.words[start:stop], starts, tracks)


def join(texts: list[RawText], cuts: np.ndarray | None = None) -> RawText:
    """The stretches one after another, as one with these cuts."""
    words: list[str] | str = (
        "".join(str(s.words) for s in texts)
        if isinstance(texts[0].words, str)
        else [word for s in texts for word in s.words]
    )
    starts = np.concatenate([s.sequence_starts for s in texts])
    names = texts[0].tracks
    tracks = {name: np.concatenate([s.tracks[name] for s in texts]) for name in names}
    return RawText(words, starts, tracks, cuts)


def divide(whole: RawText, shares: Shares) -> dict[str, RawText]:
    """Train, validation and test parts of a text, in this order, each cut at the allowed step nearest to its share.

    Every share above zero gets at least one piece; `CorpusError` if there are fewer pieces than that.
    """
    names = [name for name in ("train", "validation", "test") if getattr(shares, name) > 0]
    cuts = np.arange(len(whole) + 1) if whole.cuts is None else np.append(whole.cuts, len(whole))
    pieces = len(cuts) - 1
    if pieces < len(names):
        made_of = (
            f"{pieces} piece{'' if pieces == 1 else 's'} that cannot be cut" if whole.cuts is not None else "steps"
        )
        raise CorpusError(
            f"The corpus of {len(whole):,} steps is made of {made_of}: too few to be divided into "
            f"{', '.join(names)}. Use more text, or set the shares of validation and test to 0."
        )
    parts, begin, wanted = {}, 0, 0.0
    for left, name in zip(range(len(names) - 1, -1, -1), names, strict=True):
        wanted += getattr(shares, name) * len(whole)
        end = int(np.abs(cuts - wanted).argmin())
        end = pieces if left == 0 else min(max(end, begin + 1), pieces - left)
        parts[name] = whole.part(int(cuts[begin]), int(cuts[end]))
        begin = end
    return parts


def one_stream(steps: int) -> np.ndarray:
    """bool[steps]: sequence starts of text that is read without a reset."""
    starts = np.zeros(steps, dtype=bool)
    starts[:1] = True
    return starts
