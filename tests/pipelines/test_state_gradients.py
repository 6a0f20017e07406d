"""State gradients against GradientTape, against powers of a matrix, and against a state that forgets nothing."""

from types import SimpleNamespace

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from pipelines.network import RecurrentNetwork  # noqa: E402
from rnnstore.errors import QuestionError  # noqa: E402
from rnnstore.memory.gradients import ALL, gradients_of_words  # noqa: E402
from rnnstore.networks import open_network  # noqa: E402
from rnnstore.networks.cells import CELLS  # noqa: E402

WORDS = list("abcdefg")
IDS = np.random.default_rng(0).integers(0, 7, 20).astype(np.int32)
STARTS = np.isin(np.arange(20), (0, 9))
STACKS = {
    "vanilla": [{"cell": "vanilla", "units": 5}],
    "lstm": [{"cell": "lstm", "units": 5}, {"cell": "lstm", "units": 4, "peepholes": True}],
    "gru": [{"cell": "gru", "units": 5, "reset": "before"}, {"cell": "gru", "units": 4, "reset": "after"}],
    "nested": [{"cell": "nested-lstm", "units": 4, "depth": 2}, {"cell": "nested-lstm", "units": 3, "depth": 1}],
}
STACKS |= {
    kind: [{"cell": kind, "units": 4}] for kind in CELLS if kind not in ("vanilla", "lstm", "gru", "nested-lstm")
}


def saved(folder, layers, values=None):
    """A network as it trains and as it is read, with random weights or those given."""
    drawn = RecurrentNetwork(len(WORDS), 3, layers)
    rng = np.random.default_rng(5)
    random = {name: rng.normal(0, 0.6, shape) for name, shape in drawn.shapes().items()}
    drawn.assign({**random, **(values or {})})
    drawn.save(folder / "network", settings="", level="character", vocabulary=WORDS)
    return drawn, open_network(SimpleNamespace(name="tiny", folder=folder))


def by_tape(drawn, delays):
    """Matrices float32[units, embedding] of every state and gate, by its name and (source, delay)."""
    x = tf.gather(drawn.weights["embedding"], IDS)[None]
    keep = np.where(STARTS, 0.0, 1.0).astype(np.float32)
    with tf.GradientTape() as tape:  # one for all names: it is tracing that takes long
        tape.watch(x)
        state, series = drawn.zeros(1), []
        for t in range(len(IDS)):
            below, after, values = x[:, t], [], {}
            for number, (cell, before) in enumerate(zip(drawn.layers, state, strict=True), 1):
                now, gates = cell.step(below, {key: keep[t] * value for key, value in before.items()})
                values |= {f"layer{number}.{name}": value[0] for name, value in {**now, **gates}.items()}
                after.append(now)
                below = now["h"]
            state = after
            series.append(tf.concat(list(values.values()), axis=0))
        wanted = tf.stack(series)  # [steps, units of all]
    jacobian = tape.jacobian(wanted, x).numpy()[:, :, 0]  # [steps, units of all, steps, embedding]
    sequence, found, first = np.cumsum(STARTS), {}, 0
    for name, value in values.items():
        own, first = jacobian[:, first : first + len(value)], first + len(value)
        found[name] = {
            (t - delay, delay): own[t, :, t - delay]
            for t in range(len(IDS))
            for delay in range(min(delays, t + 1))
            if sequence[t] == sequence[t - delay]
        }
    return found


@pytest.mark.parametrize(
    "stack", [next(iter(STACKS)), *(pytest.param(each, marks=pytest.mark.long) for each in [*STACKS][1:])]
)
def test_means_equal_those_of_the_tape(stack, tmp_path):
    drawn, reader = saved(tmp_path, STACKS[stack])
    vowels = np.isin(IDS, (0, 4))
    options = {"delays": 6, "classes": {"vowels": vowels}, "threads": 2}
    found = gradients_of_words(reader, IDS, STARTS, **options).to_pylist()
    assert {row["state"] for row in found} == set(drawn.state_names)
    if reader.gates:
        found += gradients_of_words(reader, IDS, STARTS, states=reader.gates, **options).to_pylist()
    by_name = by_tape(drawn, 6)
    assert {row["state"] for row in found} == set(by_name)
    for name, single in by_name.items():
        for row in (row for row in found if row["state"] == name):
            pairs = [
                matrix
                for (source, delay), matrix in single.items()
                if delay == row["delay"] and (row["word_class"] == ALL or vowels[source])
            ]
            assert row["count"] == row["sampled"] == len(pairs)  # so short a text is its own sample
            mean = np.mean(pairs, axis=0)
            np.testing.assert_allclose(np.reshape(row["matrix"], mean.shape), mean, rtol=1e-3, atol=1e-6)
            np.testing.assert_allclose(
                row["singular_values"], np.linalg.svd(mean, compute_uv=False), rtol=1e-3, atol=1e-6
            )
            sigmas = [np.linalg.norm(matrix, 2) for matrix in pairs]
            assert row["mean_sigma_1"] == pytest.approx(np.mean(sigmas), rel=1e-3)
            if len(pairs) > 1:
                error = np.std(sigmas, ddof=1) / np.sqrt(len(pairs))
                assert row["mean_sigma_1_error"] == pytest.approx(error, rel=1e-2, abs=1e-6)
            assert row["mean_norm"] == pytest.approx(np.mean([np.linalg.norm(m) for m in pairs]), rel=1e-3)


@pytest.mark.long
def test_the_error_of_sigma_1_is_the_jackknife_of_eight_parts(tmp_path):
    drawn, reader = saved(tmp_path, STACKS["lstm"])
    found = gradients_of_words(reader, IDS, STARTS, states=["layer2.c"], delays=2).to_pylist()
    single = by_tape(drawn, 2)["layer2.c"]
    for row in found:
        parts = [[m for (s, d), m in single.items() if d == row["delay"] and s * 8 // 20 == part] for part in range(8)]
        left_out = [
            np.linalg.norm(np.mean([m for other in parts if other is not part for m in other], axis=0), 2)
            for part in parts
        ]
        error = np.sqrt(7 / 8 * np.sum((left_out - np.mean(left_out)) ** 2))
        assert row["sigma_1_error"] == pytest.approx(error, rel=1e-2)


def test_a_linear_network_remembers_as_the_powers_of_its_matrix(tmp_path):
    drawn, reader = saved(tmp_path, STACKS["vanilla"], {"embedding": np.zeros((7, 3)), "layer1.bias": np.zeros(5)})
    into, again = (drawn.weights[f"layer1.{name}"].numpy() for name in ("kernel", "recurrent"))
    for row in gradients_of_words(reader, IDS, STARTS, delays=8).to_pylist():
        expected = np.linalg.svd(into @ np.linalg.matrix_power(again, row["delay"]), compute_uv=False)
        np.testing.assert_allclose(row["singular_values"], expected, rtol=1e-3, atol=1e-5)


def test_an_identity_recurrence_remembers_for_ever(tmp_path):
    values = {"embedding": np.zeros((7, 3)), "layer1.bias": np.zeros(5), "layer1.recurrent": np.eye(5)}
    _, reader = saved(tmp_path, STACKS["vanilla"], values)
    starts = np.arange(20) == 0
    rows = gradients_of_words(reader, IDS, starts, delays=20).to_pylist()
    for row in rows:
        np.testing.assert_allclose(row["singular_values"], rows[0]["singular_values"], rtol=1e-5)


def test_a_long_text_is_followed_in_groups_and_gives_what_one_word_at_a_time_gives(tmp_path):
    _, reader = saved(tmp_path, STACKS["gru"])
    rng = np.random.default_rng(1)
    ids, starts = rng.integers(0, 7, 200).astype(np.int32), rng.random(200) < 0.02
    starts[0] = True
    counted = []
    options = {"states": ["layer2.h"], "delays": 9}
    whole = gradients_of_words(reader, ids, starts, **options, progress=lambda *at: counted.append(at), threads=3)
    assert len(counted) > 2
    assert counted == sorted(counted)
    assert counted[-1] == (200, 200)
    only = [
        gradients_of_words(reader, ids, starts, **options, classes={"it": np.arange(200) == source}).to_pylist()
        for source in (0, 63, 64, 199)
    ]
    every = {row["delay"]: np.array(row["matrix"]) * row["count"] for row in whole.to_pylist()}
    rest = gradients_of_words(
        reader, ids, starts, **options, classes={"rest": ~np.isin(np.arange(200), (0, 63, 64, 199))}
    )
    for delay, total in every.items():
        parts = [row for rows in [*only, rest.to_pylist()] for row in rows]
        parts = [row for row in parts if row["word_class"] != ALL and row["delay"] == delay]
        np.testing.assert_allclose(sum(np.array(r["matrix"]) * r["count"] for r in parts), total, rtol=1e-3, atol=1e-5)


def test_what_cannot_be_measured_is_a_sentence(tmp_path):
    _, reader = saved(tmp_path, STACKS["gru"])
    with pytest.raises(QuestionError, match=r"no state or gate 'layer1\.c'"):
        gradients_of_words(reader, IDS, STARTS, states=["layer1.c"])
    with pytest.raises(QuestionError, match="No word of the text belongs to the class 'none'"):
        gradients_of_words(reader, IDS, STARTS, classes={"none": np.zeros(20, bool)})
    with pytest.raises(QuestionError, match="at least the delay 0"):
        gradients_of_words(reader, IDS, STARTS, delays=0)
