"""Records a network that reads numbers: a signal with timestamps instead of words, its values as tracks.

The word of a step is its time, as a label to find it by; the numbers that the network read are tracks, which the
application draws as lines under the states. The network is an echo state network: random, and a few lines of NumPy.

    python examples/record_signal.py --store store
"""

import argparse

import numpy as np

import rnnstore

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--store", default="store", help="folder of the store, made if there is none")
store = rnnstore.open(parser.parse_args().store)

STEPS, UNITS = 4000, 40
generator = np.random.default_rng(1)

# A bearing, measured every ten seconds: displacement in metres, load in newtons, and a sensor that fails at times.
times = np.datetime64("2024-03-01T06:00:00") + np.arange(STEPS) * np.timedelta64(10, "s")
phase = np.arange(STEPS) / 60
displacement = 0.0137 * np.sin(phase) + 0.0004 * generator.normal(size=STEPS)  # metres
load = -1e6 + 2.5e5 * np.sign(np.sin(phase / 7))  # newtons, from -1,250,000 to -750,000
displacement[1500:1520] = np.nan  # a value that is missing

# The network reads both, scaled; a missing value is read as zero.
inputs = np.stack([np.nan_to_num(displacement) / 0.0137, (load + 1e6) / 2.5e5], axis=1)  # float[STEPS, 2]
into = generator.normal(size=(UNITS, 2)) * 0.5
within = generator.normal(size=(UNITS, UNITS))
within *= 0.95 / np.abs(np.linalg.eigvals(within)).max()  # old inputs fade slowly

state = np.zeros(UNITS)
states = np.empty((STEPS, UNITS), np.float32)  # float[STEPS, UNITS]
for t in range(STEPS):
    state = np.tanh(into @ inputs[t] + within @ state)
    states[t] = state

sources = {"displacement m": "sensor", "load N": "sensor", "regime": "below or above a million newtons"}
with store.writer("signal") as writer:
    writer.describe(
        task="none: a random reservoir", cell="echo state", layers=1, units=UNITS, corpus="a bearing, 1 March 2024"
    )
    np.savez(writer.folder("network") / "weights.npz", into=into, within=within, inputs=inputs)
    with writer.record(dtype="float32", thresholds=(0.5,), track_sources=sources) as recorder:
        recorder.add(
            words=[str(time)[11:] for time in times],  # labels such as 06:00:10: every one is different
            states={"reservoir": states},
            annotations={
                "displacement m": displacement,  # numbers: NaN where there is none
                "load N": load,
                "regime": np.where(load < -1e6, "heavy", "light"),
            },
        )
