"""Taking damaged tables out of a model, so that the rest of it opens: nothing that others build on, nothing whole."""

from __future__ import annotations

from collections.abc import Iterable

from rnnstore.errors import DamagedModel
from rnnstore.store.card import card_alone
from rnnstore.store.commit import LockedModel
from rnnstore.store.tables import of_key


def drop(model: LockedModel, keys: Iterable[str]) -> None:
    """Take tables (`annotations/pos`, `training`) out of a model for good; `DamagedModel` where others build on one."""
    dropped = set(keys)
    needed = sorted(key for key in dropped if not ((table := of_key(key)) and table.droppable))
    if needed:
        raise DamagedModel(
            f"The table {needed[0]} of {model.name!r} cannot be left out: others build on it. Record the model anew "
            "under the same name; what is trained stays."
        )
    card = card_alone(model.path)
    states = {
        name: state.model_copy(update={"thresholds": ()}) if f"on_states/{name}" in dropped else state
        for name, state in card.states.items()
    }
    model.card = card.model_copy(
        update={
            "tracks": {name: track for name, track in card.tracks.items() if f"annotations/{name}" not in dropped},
            "states": states,
            "predictions_per_step": 0 if "predictions" in dropped else card.predictions_per_step,
        }
    )
    with model.staging() as staging:
        model.publish(staging, {}, replaced=dropped)
