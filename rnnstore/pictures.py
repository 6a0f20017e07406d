"""The pictures of the application, each by one call, for notebooks and programs.

They ask the store the same questions as the pages and hand the answers to the same functions of `rnnstore.drawing`, so
what is shown is what the application shows at the same steps. A `Picture` shows itself in a notebook; its `chart()` is
an Altair chart to save or change, its `tables` are the numbers. There is a module for each page.
"""

from rnnstore.co_clusters.pictures import clusters_picture, responses_picture, words_picture
from rnnstore.comparing.pictures import agreement_picture, comparison_picture, disagreement_picture
from rnnstore.connectivity.pictures import (
    connectivity_pairs_picture,
    connectivity_picture,
    known_characters_picture,
)
from rnnstore.distributions.pictures import distribution_picture, saturation_picture, unit_picture
from rnnstore.hypotheses.pictures import ranges_picture, ranking_picture, worth_picture
from rnnstore.matching.pictures import lengths_picture, matches_picture, selection_picture
from rnnstore.memory.pictures import memory_picture, properties_picture, spectrum_picture
from rnnstore.sentences.pictures import coloured_text, sentences_picture
from rnnstore.sql.pictures import answer_picture
from rnnstore.training.pictures.batches import batch_picture, batches_picture, reach_picture
from rnnstore.training.pictures.history import curve_picture, gradients_picture, training_picture

__all__ = [
    "agreement_picture",
    "answer_picture",
    "batch_picture",
    "batches_picture",
    "clusters_picture",
    "coloured_text",
    "comparison_picture",
    "connectivity_pairs_picture",
    "connectivity_picture",
    "curve_picture",
    "disagreement_picture",
    "distribution_picture",
    "gradients_picture",
    "known_characters_picture",
    "lengths_picture",
    "matches_picture",
    "memory_picture",
    "properties_picture",
    "ranges_picture",
    "ranking_picture",
    "reach_picture",
    "responses_picture",
    "saturation_picture",
    "selection_picture",
    "sentences_picture",
    "spectrum_picture",
    "training_picture",
    "unit_picture",
    "words_picture",
    "worth_picture",
]
