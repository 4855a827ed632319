"""Values made fast are the same values."""

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, replace

import pytest

from router.frozen import swift


@swift
@dataclass(frozen=True, slots=True)
class Swift:
    """One of each kind of field."""

    name: str
    size: int = 3
    labels: dict[str, str] = field(default_factory=dict)
    hidden: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Plain:
    """The same, made the usual way."""

    name: str
    size: int = 3
    labels: dict[str, str] = field(default_factory=dict)
    hidden: str = field(default="", repr=False, compare=False)


def test_it_is_filled_as_any_other() -> None:
    assert repr(Swift("a")) == "Swift(name='a', size=3, labels={})"
    assert repr(Swift("a", 4, {"b": "c"})) == repr(Swift(labels={"b": "c"}, size=4, name="a"))


def test_what_is_made_anew_is_nobody_elses() -> None:
    assert Swift("a").labels is not Swift("a").labels


def test_it_is_frozen_once_it_is_made() -> None:
    made = Swift("a")
    with pytest.raises(FrozenInstanceError):
        made.name = "b"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del made.name


def test_it_compares_as_its_fields_do() -> None:
    assert Swift("a", hidden="b") == Swift("a", hidden="c") != Swift("b")
    assert type(Swift("a")) is Swift


def test_it_is_copied_replaced_and_sent() -> None:
    made = Swift("a", labels={"b": "c"}, hidden="d")
    assert replace(made, size=5) == Swift("a", 5, {"b": "c"})
    assert copy.copy(made) == copy.deepcopy(made) == pickle.loads(pickle.dumps(made)) == made


def test_it_is_called_as_the_class_says() -> None:
    assert list(inspect.signature(Swift).parameters) == list(inspect.signature(Plain).parameters)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'name'"):
        Swift()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        Swift("a", colour="red")  # type: ignore[call-arg]
