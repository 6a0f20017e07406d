"""What was found when a network was held against its model's recording; it stands beside the network's files.

`rnnstore.networks.checking` finds it. A network that is another one than was recorded is not asked.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rnnstore.errors import MissingNetwork

FILE = "agreement.json"


@dataclass(frozen=True)
class Agreement:
    """How far a network is from a recording.

    steps       compared
    state, step, unit  where the largest difference is; empty where no state of both was recorded
    difference, average  of that state, in parts of its largest recorded value
    loss, recorded_loss  the mean over the steps compared, in nats; None where none was recorded
    agrees      whether all of it is within the tolerances
    likely      what is probably wrong, as a sentence; empty where that is not known
    """

    steps: int
    state: str
    step: int
    unit: int
    difference: float
    average: float
    loss: float | None
    recorded_loss: float | None
    agrees: bool
    likely: str = ""

    def __str__(self) -> str:
        losses = ""
        if self.loss is not None and self.recorded_loss is not None:
            losses = f" Its loss is {self.loss:.4g} nats a step there, and {self.recorded_loss:.4g} was recorded."
        if not self.state:
            return f"The network was not compared with the recording, which holds none of its states.{losses}"
        compared = (
            f"{self.steps:,} recorded steps were taken anew by the network: the largest difference is "
            f"{self.difference:.2g} of the largest value, in unit {self.unit} of {self.state} at step "
            f"{self.step:,}.{losses}"
        )
        if self.agrees:
            return compared
        parts = ["This is not the network that was recorded.", self.likely, compared if self.steps else ""]
        return " ".join(part for part in parts if part)


def kept(folder: Path) -> Agreement | None:
    """What was found of the network in a model's folder when it was written; None where it was not compared then."""
    try:
        found = json.loads((folder / "network" / FILE).read_bytes())
        return Agreement(**{name: found[name] for name in Agreement.__dataclass_fields__})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def text_of(found: Agreement) -> str:
    """What `kept` reads."""
    return json.dumps(asdict(found), indent=1)


def check_agrees(name: str, folder: Path) -> None:
    """`MissingNetwork` where the network in the folder of a model was found to be another one than was recorded."""
    found = kept(folder)
    if found is not None and not found.agrees:
        raise MissingNetwork(
            f"The network in the folder of {name!r} is not asked: {str(found)[0].lower()}{str(found)[1:]}"
        )
