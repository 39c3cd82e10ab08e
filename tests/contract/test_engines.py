"""The same tests for every engine: a new file in codem/engines is tested by being there."""

import dataclasses
import inspect

import pytest

from codem import config, plugins
from codem.strict import convert

ENGINES = plugins.names("engines")


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine(name):
    module = plugins.load("engines", name)
    assert dataclasses.is_dataclass(module.Config)
    assert module.Config.__dataclass_params__.frozen
    errors: list[str] = []
    assert convert(module.Config, dataclasses.asdict(module.Config()), "engine", errors), errors
    assert list(inspect.signature(module.load).parameters) == ["folder", "revision", "decode", "config"]
    engine = next(c for c in vars(module).values() if inspect.isclass(c) and hasattr(c, "complete"))
    assert callable(engine.describe)
    assert list(inspect.signature(engine.complete).parameters) == ["self", "requests", "have"]


@pytest.mark.parametrize("name", [n for n in ENGINES if not hasattr(plugins.load("engines", n), "lacks")])
def test_an_engine_that_needs_nothing_more_is_a_choice(name):
    (cell,) = config.cells([f"engine={name}"])
    assert cell.engine_name == name
    assert isinstance(cell.engine, plugins.load("engines", name).Config)
