"""How well a network predicts a stretch of its corpus, in the numbers that are usual for its task."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Evaluation:
    """The mean loss of a network's predictions, cross entropy in nats; of a classifier, the share that is right too.

    `loss` is that of a word, or of a label at the end of its text. `accuracy` is the share of texts whose label was the
    most probable one; `balanced_accuracy` the mean of this share over the labels, so that a frequent one does not
    count more. Both are None where they are not known, and of language models.
    """

    task: str
    loss: float
    accuracy: float | None = None
    balanced_accuracy: float | None = None

    @classmethod
    def of_labels(cls, task: str, loss: float, predicted: np.ndarray, targets: np.ndarray) -> "Evaluation":
        """From the label that was most probable at the end of every text, int[texts], and the right one."""
        right = predicted == targets
        shares = [right[targets == label].mean() for label in np.unique(targets)]
        return cls(task, loss, float(right.mean()), float(np.mean(shares)))

    @property
    def metrics(self) -> dict[str, float]:
        """What the list of models shows, by name."""
        if self.task == "language model":
            return {"perplexity": perplexity(self.loss)}
        shares = {"accuracy in %": self.accuracy, "balanced accuracy in %": self.balanced_accuracy}
        known = {name: 100 * share for name, share in shares.items() if share is not None}
        return {"cross entropy": self.loss, **known} if self.task == "autocomplete" else known

    def __str__(self) -> str:
        if self.task == "language model":
            return f"perplexity {perplexity(self.loss):.2f}"
        return f"loss {self.loss:.3f}" + ("" if self.accuracy is None else f", accuracy {100 * self.accuracy:.2f} %")


def perplexity(loss: float) -> float:
    """exp(loss), infinite where that overflows."""
    return math.exp(loss) if loss < 700 else math.inf
