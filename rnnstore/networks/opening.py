"""From a model of the store to its network; the last few stay in memory."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import Any

from rnnstore.errors import MissingNetwork, StoreError
from rnnstore.networks.agreement import check_agrees
from rnnstore.networks.facts import read_facts
from rnnstore.networks.interface import Ability, Network
from rnnstore.networks.saved import SavedNetwork
from rnnstore.store.model import Model

CACHED = 2
"""Networks that stay in memory: as many as are compared side by side."""

WITHOUT = "Without a network:"
"""With which the setting `network` of a card begins that says why there is none."""


def open_network(model: Model, *needs: Ability) -> Network:
    """The network of a model: the program's own that `register` named, else that of the files in its folder.

    `MissingNetwork` says what is missing: the network, or one of the abilities that it `needs`. `DamagedModel` when its
    files are not what they say of themselves.
    """
    found = _registered[model.name] if model.name in _registered else _of_files(model)
    found.need(*needs)
    return found


def has_network(model: Model) -> bool:
    """Whether there is a network for a model; it may still prove to be damaged when it is opened."""
    return model.name in _registered or model.folder.joinpath("network", "network.json").is_file()


def missing_network(model: Model, *needs: Ability) -> str | None:
    """What `open_network` would say is missing or damaged; None where nothing is."""
    try:
        open_network(model, *needs)
    except StoreError as error:
        return str(error)
    return None


def register(network: Network) -> None:
    """Let every analysis of this process ask `network` about the model of its name, whatever its files say."""
    _registered[network.name] = network


def _of_files(model: Model) -> Network:
    files = [model.folder / "network" / name for name in ("network.json", "weights.npz")]
    try:
        found = [os.stat(file) for file in files]
        key = (str(model.folder), *((status.st_ino, status.st_mtime_ns, status.st_size) for status in found))
    except OSError:
        said = str(model.card.settings.get("network", ""))
        if said.startswith(WITHOUT):
            how = f"{said[len(WITHOUT) :].strip().rstrip('.')}"
        elif model.folder.joinpath("network").is_dir():
            how = "it has not been trained to its end; train it with its recipe"
        else:
            how = "only its states were recorded or imported"
        raise MissingNetwork(
            f"There is no network in the folder of {model.name!r}: {how}. No sentence can be read by it; "
            "stretches of its recording can be shown."
        ) from None
    with _lock:
        loading = _loading.setdefault(key, threading.Lock())
    with loading:  # who asks for another network does not wait for this one
        check_agrees(model.name, model.folder)
        network = _cached.get(key) or SavedNetwork(model.name, read_facts(files[0]), files[1])
        with _lock:
            _cached[key] = network
            _cached.move_to_end(key)
            while len(_cached) > CACHED:
                _cached.popitem(last=False)
            _loading.pop(key, None)
    return network


_registered: dict[str, Network] = {}
_cached: OrderedDict[tuple[Any, ...], Network] = OrderedDict()
_loading: dict[tuple[Any, ...], threading.Lock] = {}
_lock = threading.Lock()
