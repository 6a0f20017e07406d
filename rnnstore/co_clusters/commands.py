"""`cluster`: co-clusters of a state, computed and saved."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import rnnstore
from rnnstore.commands.options import Name, StoreFolder, state_names


def cluster(
    name: Name,
    state: Annotated[
        str,
        typer.Argument(
            metavar="STATE", help="A recorded state, for example layer2.c (see `show`).", autocompletion=state_names
        ),
    ],
    k: Annotated[int, typer.Option("--k", metavar="NUMBER", help="Word clusters, and as many unit clusters.")] = 10,
    method: Annotated[str, typer.Option("--method", help="How to cluster: signed, mirrored or spectral.")] = "signed",
    words: Annotated[int, typer.Option("--words", min=0, help="Most frequent words to cluster; 0 for all.")] = 500,
    minimum_count: Annotated[int, typer.Option("--minimum-count", min=1, help="Leave out words read less often.")] = 1,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Random start of the spectral method.")] = 0,
    store: StoreFolder = Path("store"),
) -> None:
    """Cluster words and units by their expected responses, and keep that in the table co_clusters.

    Example: python -m rnnstore cluster demo-python-lstm layer1.h --k 8
    """
    from rnnstore.co_clusters import clusterings
    from rnnstore.co_clusters.decomposition import decompose
    from rnnstore.co_clusters.expected import expected_responses

    opened = rnnstore.open(store)
    expected = expected_responses(opened.model(name), state)
    found = decompose(expected, words or None, minimum_count).clusters(k, method, seed)
    clusterings.save_clustering(opened, expected, found)
    print(
        f"{len(found.words):,} words and {len(found.unit_cluster):,} units of {state} are in {k} clusters each "
        f"({method}), whose means explain {found.explained:.1%} of the responses. They are in the table co_clusters."
    )
    for note in found.notes:
        print(f"note: {note}")
