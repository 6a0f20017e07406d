"""What a saved network says of itself in network.json: its sizes, its words, how text becomes words.

The file may come from anywhere. It is data, held against these classes before anything is made of it, and where it is
wrong the sentence says at which place. docs/network.md explains every key.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from rnnstore.errors import DamagedModel, cause
from rnnstore.networks.cells import CELLS, Cell, build, known_kind
from rnnstore.networks.tokenising import Tokenisation
from rnnstore.store.card import MENDING
from rnnstore.validation import sentences

LARGEST = 1 << 28
"""Bytes of the largest network.json that is opened: 256 MB, some millions of words."""

Size = Annotated[int, Field(ge=1, lt=2**31)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Layer(_Part):
    """A recurrent layer, as it stands in network.json: beside `cell` and `units` the options of the cell, and the name
    with which its series begin in the recording, where that is not `layer1`, ..."""

    cell: Annotated[str, AfterValidator(known_kind)]
    units: Size
    name: Annotated[str, Field(pattern=r"^\w[\w. -]{0,99}$")] | None = None
    options: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _with_options(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not isinstance(kind := given.get("cell"), str) or kind not in CELLS:
            return given
        own = {name: given[name] for name in CELLS[kind].Options.model_fields if name in given}
        return {**given, "options": CELLS[kind].Options.model_validate(own).model_dump()}

    def built(self, inputs: int) -> Cell:
        """The cell, over so many inputs."""
        return build(self.cell, inputs, self.units, **self.options)


class Sizes(_Part):
    """The network's part of network.json; `outputs` is given where they are not the vocabulary, `head` is false where
    there is no output layer."""

    vocabulary: Size
    embedding: Size
    layers: Annotated[list[Layer], Field(min_length=1, max_length=100)]
    tie: bool = False
    head: bool = True
    outputs: Size | None = None


class Facts(_Part):
    """What stands in network.json, as far as it is read."""

    format: Literal[1]
    network: Sizes
    task: str = "language model"
    vocabulary: list[str]
    labels: list[str] | None = None
    tokenisation: Tokenisation | None = None

    def cells(self) -> list[Cell]:
        """The cells of its layers, from the bottom up."""
        widths = [self.network.embedding, *(layer.units for layer in self.network.layers)]
        return [layer.built(width) for layer, width in zip(self.network.layers, widths, strict=False)]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every weight by its full name: `embedding`, `layer1.kernel`, ..., `output.kernel`, `output.bias`."""
        sizes, outputs = self.network, len(self.vocabulary if self.labels is None else self.labels)
        shapes: dict[str, tuple[int, ...]] = {"embedding": (sizes.vocabulary, sizes.embedding)}
        for number, cell in enumerate(self.cells(), 1):
            shapes |= {f"layer{number}.{name}": shape for name, shape in cell.shapes().items()}
        if not sizes.head:
            return shapes
        if not sizes.tie:
            shapes["output.kernel"] = (sizes.layers[-1].units, outputs)
        return shapes | {"output.bias": (outputs,)}


def read_facts(path: Path) -> Facts:
    """What a network.json says, checked; `DamagedModel` says where it is wrong."""
    where = f"{path.parents[1].name}/{path.parent.name}/{path.name}"
    try:
        if (size := path.stat().st_size) > LARGEST:
            raise DamagedModel(f"{where} has {size:,} bytes, more than any network needs. {MENDING}")
        content = json.loads(path.read_bytes())
        facts = Facts.model_validate(content)
    except ValidationError as error:
        raise DamagedModel(f"{where} is damaged: {sentences(error, Facts, content)[0]} {MENDING}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedModel(f"{where} cannot be read ({cause(error)}). {MENDING}") from error
    sizes = facts.network
    wrong = ""
    if len(facts.vocabulary) != sizes.vocabulary:
        wrong = f"lists {len(facts.vocabulary):,} words for a vocabulary of {sizes.vocabulary:,}"
    elif sizes.outputs not in (None, len(facts.labels or facts.vocabulary)):
        wrong = f"names {len(facts.labels or facts.vocabulary):,} outputs for {sizes.outputs:,}"
    elif sizes.tie and not sizes.head:
        wrong = "ties an output that it does not have"
    elif len({layer.name or number for number, layer in enumerate(sizes.layers)}) < len(sizes.layers):
        wrong = "gives two layers one name"
    elif sizes.tie and (sizes.layers[-1].units != sizes.embedding or facts.labels is not None):
        wrong = "ties the output to an embedding that does not fit it"
    if wrong:
        raise DamagedModel(f"{where} {wrong}. {MENDING}")
    return facts
