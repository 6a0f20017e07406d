"""Settings that a person writes in YAML: the base of every group of them, and the loader that reads such a file."""

import re
from typing import Annotated, Any

import pydantic
import yaml
from pydantic import Field

Count = Annotated[int, Field(ge=1)]
Width = Annotated[int, Field(ge=1, le=65_536)]
"""Numbers side by side: more of them are a slip of the pen, and no memory holds their weights."""
Share = Annotated[float, Field(ge=0, le=1)]


class Settings(pydantic.BaseModel):
    """A group of settings: unknown keys are refused, values are taken as written, never converted."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True, frozen=True)


class Loader(yaml.SafeLoader):
    """YAML as people write it: 1e-3 is a number, and a key given twice is a mistake."""

    deepest = 50  # brackets in one another, for which the scanner takes time with their square

    def fetch_flow_collection_start(self, TokenClass: type[yaml.Token]) -> None:
        if self.flow_level >= self.deepest:
            problem = f"more than {self.deepest} brackets are open"
            raise yaml.scanner.ScannerError(None, None, problem, self.get_mark())
        super().fetch_flow_collection_start(TokenClass)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be one word", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} is given twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError, KeyError, AttributeError) as error:  # 2001-99-99, !!int x, 5,000 digits
            given = f"{node.value[:20]}..." if len(node.value) > 20 else node.value
            kinds = {"timestamp": "a date", "int": "a whole number", "float": "a number", "bool": "true or false"}
            kind = kinds.get(node.tag.rpartition(":")[2], "a value")
            problem = f"{given} looks like {kind} and cannot be read as one; put text in quotes"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from error


Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)
