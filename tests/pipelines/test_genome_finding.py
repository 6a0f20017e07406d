"""A planted motif is found: random bases, a network that reads them, units that are on at its end and nowhere else."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import rnnstore
from pipelines.__main__ import work
from rnnstore.hypotheses import gather_evidence, labelled_ranges

pytestmark = pytest.mark.long

RECIPE = """
name: planted
corpus: {kind: genome, files: [planted.fa], tracks: {site: sites.bed}, shares: {train: 0.7, validation: 0.3, test: 0}}
network: {embedding: 8, layers: [{cell: lstm, units: 32}]}
training: {epochs: 8, batch: 50, unroll: 50, learning_rate: 0.01, decay: 0.7, decay_after: 4}
record: {split: validation}
"""


def test_the_end_of_a_planted_motif_is_matched_at_the_planted_places(tmp_path):
    drawn = np.random.default_rng(1)
    bases = drawn.choice(list("ACGT"), 100_000)
    sites = np.sort(drawn.choice(2000, 1000, replace=False)) * 50 + drawn.integers(0, 38, 1000)
    for site in sites:
        bases[site : site + 12] = list("GATTACAGTCCA")
    (tmp_path / "planted.fa").write_text(">planted\n" + "".join(bases))
    (tmp_path / "sites.bed").write_text("".join(f"planted {site} {site + 12}\n" for site in sites))
    (tmp_path / "planted.yaml").write_text(RECIPE)
    work(str(tmp_path / "planted.yaml"), tmp_path / "store", None, training=True, recording=True)

    model = rnnstore.open(tmp_path / "store").model("planted")
    planted = labelled_ranges(model, "site", minimum_length=12)
    end = (int(planted.start[0]) + 8, int(planted.start[0]) + 12)
    units = rnnstore.select(model, rnnstore.Selection("layer1.h", *end, 0.3)).units
    found = gather_evidence(model, "layer1.h", units, 0.3, excluding=end)
    inside = np.isin(found.start, (planted.start[:, None] + np.arange(12)).ravel())
    assert inside.mean() > 0.9 and inside.sum() > 0.9 * (len(planted) - 1)
    text = "".join(model.words(0, model.steps)["word"].to_pylist())
    assert text.count("TCCA") > 1.3 * len(planted)  # its last letters alone stand elsewhere too
