"""Training on one page: windows, gradient, clipping, schedule, checkpoints.

A language model reads `batch` equal streams side by side, `unroll` steps at a time; the state is carried from window to
window, and gradients stop at the window's edge. The loss of a window is summed over its steps and averaged over the
streams, as in Zaremba et al. (2014), so that their learning rates and clipping norms apply. A classifier reads `batch`
whole texts at a time; its loss is that of the label at each text's last step, averaged over the texts.

Everything random is a function of the recipe's seed and the step, and a checkpoint holds all that changes: a training
that was killed goes on from its last checkpoint and ends with the same weights as one that was not.
"""

import contextlib
import math
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from rich.console import Console

from pipelines.checkpoint import (
    Checkpoint,
    Progress,
    Row,
    gradients_table,
    load_checkpoint,
    save_checkpoint,
    settings_key,
    training_table,
)
from pipelines.corpora.corpus import Corpus
from pipelines.errors import NOT_TRAINED, Interrupted, TrainingError
from pipelines.evaluation import Evaluation
from pipelines.itemizing import Itemizing
from pipelines.network import RecurrentNetwork, write_facts
from pipelines.recipe import Recipe, Training
from pipelines.recording import Reader
from pipelines.vectors import Vectors
from pipelines.windows import Streams, Texts
from rnnstore.commands.progress import Line
from rnnstore.store.tables import DECADES
from rnnstore.store.writing import ModelWriter

ROWS = 2000  # about so many rows of `training` for a whole training, however long
SAVE_EVERY = 120.0  # seconds between checkpoints inside an epoch


class SGD:
    """Plain gradient descent."""

    def __init__(self, weights: list[tf.Variable]) -> None:
        self.slots: list[tf.Variable] = []

    def apply(self, weights: list[tf.Variable], gradients: list[tf.Tensor], rate: tf.Tensor) -> None:
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.assign_sub(rate * gradient)


class Adam:
    """Adam (Kingma & Ba, 2015) with its published constants."""

    def __init__(self, weights: list[tf.Variable]) -> None:
        self.count = tf.Variable(0.0)
        self.means = [tf.Variable(tf.zeros_like(w)) for w in weights]
        self.squares = [tf.Variable(tf.zeros_like(w)) for w in weights]
        self.slots = [self.count, *self.means, *self.squares]

    def apply(self, weights: list[tf.Variable], gradients: list[tf.Tensor], rate: tf.Tensor) -> None:
        count = self.count.assign_add(1.0)
        rate = rate * tf.sqrt(1.0 - 0.999**count) / (1.0 - 0.9**count)
        for weight, gradient, mean, square in zip(weights, gradients, self.means, self.squares, strict=True):
            mean.assign(0.9 * mean + 0.1 * gradient)
            square.assign(0.999 * square + 0.001 * gradient * gradient)
            weight.assign_sub(rate * mean / (tf.sqrt(square) + 1e-8))


OPTIMIZERS: dict[str, type[SGD | Adam]] = {"sgd": SGD, "adam": Adam}


@dataclass
class Run:
    """A training under way: what changes from step to step, and where it is kept."""

    recipe: Recipe
    corpus: Corpus
    network: RecurrentNetwork
    writer: ModelWriter
    checkpoint: Path
    key: str  # `settings_key`
    changing: list[tf.Variable]  # weights, optimiser, carried state: what a checkpoint holds
    done: Progress
    rows: list[Row]
    best: list[np.ndarray]  # the weights of the epoch with the lowest validation loss

    @property
    def weights(self) -> list[tf.Variable]:
        return list(self.network.learned.values())

    def write_rows(self) -> None:
        self.writer.replace("training", training_table(self.rows))

    def save(self) -> None:
        values = [variable.numpy() for variable in self.changing]
        save_checkpoint(self.checkpoint, Checkpoint(self.key, self.done, self.rows, values, self.best))


def train(
    recipe: Recipe,
    corpus: Corpus,
    folder: Path,
    writer: ModelWriter,
    console: Console,
    *,
    again: bool = False,
    vectors: Vectors | None = None,
) -> RecurrentNetwork:
    """The network that `recipe` describes, trained on `corpus`; what was trained before is not trained again.

    It starts with `vectors` where the recipe names word vectors, and does not change them unless they are to be tuned.

    Goes on from `folder`/checkpoint.npz where there is one; `again` starts over. Writes the rows of `training` after
    every epoch, and at the end weights, vocabulary and metrics. With a validation split, the weights kept are those of
    the epoch with its lowest loss. Raises TrainingError when the loss is no number or when another recipe of this name
    was trained here, Interrupted on Ctrl-C.
    """
    key = settings_key(recipe, corpus, vectors)
    checkpoint = folder / "checkpoint.npz"
    if again:
        checkpoint.unlink(missing_ok=True)
        (folder / "network.json").unlink(missing_ok=True)
    saved = load_checkpoint(checkpoint)
    finished = None if saved else RecurrentNetwork.load(folder)
    if (saved and saved.settings != key) or (finished and finished[1]["settings"] != key):
        raise TrainingError(
            f"{recipe.name} was trained with other settings, or on another text, before. Give the recipe another name "
            "to keep both, or train anew with --again."
        )
    if finished:
        console.print(f"{recipe.name} is trained already.")
        say_tokenisation(folder, finished[1], corpus)
        return finished[0]

    settings = recipe.training
    network = RecurrentNetwork.described(recipe.network, corpus, vectors.width if vectors else None)
    network.initialise(settings.seed, settings.initial, None if vectors is None else vectors.values)
    weights = list(network.learned.values())
    optimizer = OPTIMIZERS[settings.optimizer](weights)
    state = [tf.Variable(zero) for zero in tf.nest.flatten(network.zeros(settings.batch))]  # from window to window
    changing = [*weights, *optimizer.slots, *state]
    if saved:
        for variable, value in zip(changing, saved.values, strict=True):
            variable.assign(value)
        if not saved.done.finished:
            console.print(f"{recipe.name}: going on from step {saved.done.step:,}, where the training stopped.")
        progress, rows, best = saved.done, saved.rows, saved.best
    else:
        writer.describe(metrics=[])
        progress, rows, best = Progress(), [], [weight.numpy() for weight in weights]
    run = Run(recipe, corpus, network, writer, checkpoint, key, changing, progress, rows, best)
    reader = Reader(network)
    train_on_windows(run, optimizer, state, reader, console)
    finish(run, folder, reader, console)
    return network


def train_on_windows(
    run: Run, optimizer: SGD | Adam, state: list[tf.Variable], reader: Reader, console: Console
) -> None:
    """Train until the recipe's epochs, minutes or patience are over."""
    recipe, settings, corpus, done = run.recipe, run.recipe.training, run.corpus, run.done
    source: Streams | Texts = Streams(corpus.splits["train"], settings.batch, settings.unroll)
    if corpus.labels is not None:
        source = Texts(corpus.splits["train"], settings.batch, settings.seed)
    windows = len(source)  # in an epoch
    total = windows * settings.epochs
    row_every = max(1, min(100, total // ROWS))
    train_on_window = compiled_step(run.network, run.weights, optimizer, state, settings)
    items = Itemizing(run.network, corpus, settings, run.writer, state) if settings.itemize else None
    if items:
        items.begin(done.step)
    losses: list[float] = []
    read, row_time = 0, time.monotonic()
    began, saved_time = row_time - done.seconds, row_time

    with stop_on_interrupt() as interrupted, Line(recipe.name, console=console) as line:
        line("", done.step, total, "compiling")
        while not done.finished:
            epoch, number = divmod(done.step, windows)
            if number == 0:
                for variable in state:
                    variable.assign(tf.zeros_like(variable))
            rate = settings.learning_rate * settings.decay ** max(epoch + 1 - settings.decay_after, 0)
            row_ends = (done.step + 1) % row_every == 0 or number == windows - 1
            window = source.window(epoch, number)
            if items and items.due(done.step):
                items.look(window, done.step)
            loss, norm, of_weights = train_on_window(
                window.words, window.targets, window.weigh, window.keep, np.float32(rate), done.step, row_ends
            )
            losses.append(float(loss))
            read += window.steps
            row = Row(done.step + 1, (done.step + 1) / windows, losses[-1], None, rate, float(norm), 0.0)
            if not math.isfinite(row.loss + row.gradient_norm):
                run.rows.append(row)
                run.write_rows()
                if items:  # the weights are still those before this step
                    items.look_where_it_broke(window, done.step)
                    items.flush()
                raise TrainingError(
                    f"Training {recipe.name} stopped at step {row.step:,} (epoch {epoch + 1}): the loss is not a "
                    f"number. Lower training.learning_rate (it is {settings.learning_rate:g}) or training.clip "
                    f"(it is {settings.clip or 'null'}), and train anew with --again."
                )
            done.step += 1
            now = time.monotonic()
            done.seconds = now - began
            late = settings.minutes is not None and done.seconds >= 60 * settings.minutes
            epoch_ends = done.step % windows == 0 or late
            if done.step % row_every == 0 or epoch_ends:
                row.loss, row.tokens_per_second = float(np.mean(losses)), read / (now - row_time)
                row.gradients = of_weights.numpy().tolist() if row_ends else []
                run.rows.append(row)
                losses, read, row_time = [], 0, now
                of_row = f"{Evaluation(corpus.task, row.loss)}, {row.tokens_per_second:,.0f} steps/s"
                line("", done.step, total, f"epoch {epoch + 1}/{settings.epochs}, {of_row}")
            if epoch_ends:
                end_epoch(run, epoch, done.step >= total or late, reader, console)
            saving = epoch_ends or interrupted or now - saved_time > SAVE_EVERY
            if items and (saving or items.late):  # no later than the checkpoint: from there on it is recorded anew
                run.write_rows()
                items.flush()
            if saving:
                run.save()
                saved_time = row_time = time.monotonic()
            if interrupted:
                raise Interrupted(
                    f"Stopped at step {done.step:,} of {total:,}; all of it is saved. "
                    "The same command goes on from there."
                )


def end_epoch(run: Run, epoch: int, last: bool, reader: Reader, console: Console) -> None:
    """Measure the epoch (from 0), keep the weights if they are the best yet, and write the rows so far.

    The training is finished after its `last` epoch, and where the recipe's patience is over.
    """
    settings, done, task = run.recipe.training, run.done, run.corpus.task
    validation = run.corpus.splits.get("validation")
    found = reader.measure(validation) if validation else None
    if found:
        run.rows[-1].validation_loss = found.loss
    if not found or found.loss < done.best:
        done.best, done.best_epoch = found.loss if found else math.nan, epoch + 1
        run.best = [weight.numpy() for weight in run.weights]
    said = f"{Evaluation(task, mean_of_epoch(run.rows, epoch))} in training" + (
        f", {found} in validation" if found else ""
    )
    console.print(f"{run.recipe.name}: epoch {epoch + 1} of {settings.epochs}, {said}", soft_wrap=True)
    patient = settings.patience is None or epoch + 1 - done.best_epoch < settings.patience
    done.finished = last or not patient
    run.write_rows()
    run.writer.replace("training_gradients", gradients_table(run.rows, list(run.network.learned)))


def finish(run: Run, folder: Path, reader: Reader, console: Console) -> None:
    """Write the best weights, with the facts of the corpus, and how well they predict what was held out."""
    corpus = run.corpus
    for weight, value in zip(run.weights, run.best, strict=True):
        weight.assign(value)
    labels = {} if corpus.labels is None else {"labels": corpus.labels}
    facts = {"settings": run.key, "task": corpus.task, "level": corpus.level, "vocabulary": corpus.vocabulary, **labels}
    run.network.save(folder, **facts, tokenisation=corpus.tokenisation)
    measured = {name: reader.measure(corpus.splits[name]) for name in ("validation", "test") if name in corpus.splits}
    metrics = {name: found.metrics for name, found in measured.items()}
    run.writer.describe(metrics=[(m, name, value) for name, found in metrics.items() for m, value in found.items()])
    for name, found in measured.items():
        console.print(f"{run.recipe.name}: {name} {found}")
    run.checkpoint.unlink(missing_ok=True)  # last: until then, a killed run is finished by the next


def trained(recipe: Recipe, corpus: Corpus, folder: Path) -> RecurrentNetwork:
    """The network that was trained by this recipe. TrainingError where there is none, or none that fits the corpus."""
    found = RecurrentNetwork.load(folder)
    if not found:
        raise TrainingError(NOT_TRAINED.format(name=recipe.name))
    network, facts = found
    if network.settings != RecurrentNetwork.described(recipe.network, corpus, network.embedding).settings:
        raise TrainingError(
            f"{recipe.name} was trained as another network than its recipe says now, or over another vocabulary. "
            "Give the recipe another name, or train anew with --again."
        )
    if facts["vocabulary"] != corpus.vocabulary or facts.get("labels") != corpus.labels:
        raise TrainingError(
            f"The corpus {corpus.name} has other words or labels now than when {recipe.name} was trained, so its "
            "numbers of words no longer fit. Train anew with --again."
        )
    say_tokenisation(folder, facts, corpus)
    return network


def say_tokenisation(folder: Path, facts: dict[str, Any], corpus: Corpus) -> None:
    """Let the files of a trained network say how its corpus makes words of text, where they do not yet."""
    if facts.get("tokenisation") != corpus.tokenisation:
        write_facts(folder, {**facts, "tokenisation": corpus.tokenisation})


def compiled_step(
    network: RecurrentNetwork,
    weights: list[tf.Variable],
    optimizer: SGD | Adam,
    state: list[tf.Variable],
    settings: Training,
) -> Callable[..., tuple[tf.Tensor, tf.Tensor, tf.Tensor]]:
    """A function that does one optimiser step on a window and returns its mean loss and the gradient's norm.

    Besides, where `described` is true, what `of_gradient` says of every weight: float32[weights, 3 + len(DECADES) + 1].
    """
    layout = network.zeros(settings.batch)

    @tf.function(jit_compile=True)
    def train_on_window(
        words: tf.Tensor,
        targets: tf.Tensor,
        weigh: tf.Tensor,
        keep: tf.Tensor,
        rate: tf.Tensor,
        step: tf.Tensor,
        described: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        before = tf.nest.pack_sequence_as(layout, [tf.convert_to_tensor(variable) for variable in state])
        with tf.GradientTape() as tape:
            hidden, after, _ = network.forward(words, keep, before, drop_seed=tf.stack([settings.seed, step]))
            logits = network.logits(tf.reshape(hidden, (-1, hidden.shape[-1])))  # [batch * steps, outputs]
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.reshape(targets, (-1,)), logits)
            summed = tf.reduce_sum(each * tf.reshape(weigh, (-1,)))
            loss = summed / settings.batch
        gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, weights)]
        norm = tf.sqrt(tf.add_n([tf.reduce_sum(gradient * gradient) for gradient in gradients]))
        of_weights = tf.cond(
            described,
            lambda: tf.stack([of_gradient(g, w) for g, w in zip(gradients, weights, strict=True)]),
            lambda: tf.zeros((len(weights), 3 + len(DECADES) + 1)),
        )
        if settings.clip is not None:
            gradients = [gradient * (settings.clip / tf.maximum(norm, settings.clip)) for gradient in gradients]
        sound = tf.math.is_finite(loss + norm)  # else the step is not done, so that what it began with can be seen
        gradients = [tf.where(sound, gradient, 0.0) for gradient in gradients]
        optimizer.apply(weights, gradients, tf.where(sound, rate, 0.0))
        for variable, value in zip(state, tf.nest.flatten(after), strict=True):
            variable.assign(tf.where(sound, value, variable))
        return summed / tf.maximum(1.0, tf.reduce_sum(weigh)), norm, of_weights

    return lambda *arguments: train_on_window(*map(tf.constant, arguments))


def of_gradient(gradient: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Norm and largest entry of a weight's gradient, norm of the weight, and shares of the entries by DECADES."""
    size = tf.abs(gradient)
    reach = tf.stack([tf.reduce_mean(tf.cast(size >= 10.0**decade, tf.float32)) for decade in DECADES])
    shares = tf.concat([[1.0], reach], 0) - tf.concat([reach, [0.0]], 0)
    return tf.concat([[tf.norm(gradient), tf.reduce_max(size), tf.norm(weight)], shares], 0)


def mean_of_epoch(rows: list["Row"], epoch: int) -> float:
    """Mean training loss over the rows of one epoch, counted from 0."""
    return float(np.mean([row.loss for row in rows if epoch < row.epoch <= epoch + 1]))


@contextlib.contextmanager
def stop_on_interrupt() -> Iterator[list[bool]]:
    """A list that is empty until Ctrl-C is pressed, so that a step always ends before the training stops.

    Pressed when nobody looks at the list any more, it ends as KeyboardInterrupt.
    """
    pressed: list[bool] = []
    try:
        before = signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    except ValueError:  # not the main thread, so nobody's Ctrl-C
        yield pressed
        return
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt
