"""What recording a PyTorch module costs beside its own forward pass, and the peak memory of it.

    python -m tests.benchmarks.bench_pytorch            200,000 steps, and memory for 200,000 and 800,000
    python -m tests.benchmarks.bench_pytorch 50000      so many steps

The module is a language model of two layers of 200 units over 10,000 words, head included; all 12 series are made, with
the five most probable words of each step. Without writing, at most twice the forward pass is promised. Writing into the
store is measured apart, and so is the loop a step at a time that the recording replaces, on a part of the steps.
"""

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

import rnnstore.pytorch as rt
from rnnstore.frameworks.torch_hooks import evaluated
from rnnstore.frameworks.torch_session import Options, Session
from rnnstore.threads import one_thread

WORDS, UNITS, SEQUENCES, LENGTH = 10_000, 200, 40, 35


class LanguageModel(torch.nn.Module):
    def __init__(self, words: int = WORDS, units: int = UNITS) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(words, units)
        self.encoder = torch.nn.LSTM(units, units, 2, batch_first=True)
        self.output = torch.nn.Linear(units, words)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        return self.output(self.encoder(self.embedding(words))[0])


def batches(steps: int, words: int = WORDS) -> list[torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    count = max(1, steps // (SEQUENCES * LENGTH))
    return [torch.randint(words, (SEQUENCES, LENGTH), generator=random) for _ in range(count)]


def seconds() -> np.ndarray:
    """The clock, and the processor time that this process has used."""
    return np.array([time.perf_counter(), time.process_time()])


def options(words: int = WORDS) -> Options:
    return Options(
        vocabulary=[f"word{number}" for number in range(words)], states=None, inputs=None, targets="auto", lengths=None,
        mask=None, outputs="auto", annotations=None, stateful=False, batch_first=None, steps=None, top=5, network=False,
        tokenisation=None,
    )  # fmt: skip


def forward(model: LanguageModel, given: list[torch.Tensor]) -> np.ndarray:
    began = seconds()
    with evaluated(model):
        for batch in given:
            model(batch)
    return seconds() - began


def made(model: LanguageModel, given: list[torch.Tensor]) -> np.ndarray:
    """What it takes to make all that is recorded, without writing it."""
    session = Session(model, options())
    began = seconds()
    with one_thread(), evaluated(model), session.calls.hooked(model):
        for batch in given:
            session.chunk(batch, None)
    return seconds() - began


def recorded(model: LanguageModel, given: list[torch.Tensor], words: int = WORDS) -> np.ndarray:
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    vocabulary = [f"word{number}" for number in range(words)]
    try:
        began = seconds()
        rt.record(model, given, store=folder, name="bench", vocabulary=vocabulary, network=False, progress=False)
        return seconds() - began
    finally:
        shutil.rmtree(folder)


def stepped(model: LanguageModel, steps: int) -> np.ndarray:
    """The loop of a step at a time, h and c alone."""
    words, state = torch.randint(WORDS, (steps,)), None
    began = seconds()
    with evaluated(model):
        for word in words:
            _, state = model.encoder(model.embedding(word[None, None]), state)
            torch.cat(state).numpy()
    return seconds() - began


def memory(steps: int) -> None:
    """Record so many steps of a small module and print the peak memory of this process, in MB."""
    took = recorded(LanguageModel(50, 64), batches(steps, 50), 50)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{steps:>12,} steps of 2 x 64 units: {took[0]:6.1f} s, peak {peak:,.0f} MB")


def main(steps: int) -> None:
    torch.manual_seed(0)
    model, given = LanguageModel(), batches(steps)
    forward(model, given[:3])
    made(model, given[:3])
    runs = [(forward(model, given), made(model, given)) for _ in range(3)]
    bare, full = (np.min([run[k] for run in runs], axis=0) for k in range(2))
    whole = recorded(model, given)
    print(
        f"{steps:,} steps of 2 x {UNITS} LSTM, 12 series: forward {bare[0]:.1f} s, with all states, gates, predictions "
        f"{full[0]:.1f} s, ratio {full[0] / bare[0]:.2f} (in processor time {full[1] / bare[1]:.2f}); written "
        f"{whole[0]:.1f} s",
        flush=True,
    )
    few = 2_000
    loop = stepped(model, few)[1] / few * steps
    print(f"a step at a time through the framework, h and c alone: {loop:.0f} s, {loop / full[1]:.0f} times as much")
    for count in (200_000, 800_000):
        subprocess.run([sys.executable, "-m", __spec__.name, "--memory", str(count)], check=True)


if __name__ == "__main__":
    if "--memory" in sys.argv:
        memory(int(sys.argv[-1]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
