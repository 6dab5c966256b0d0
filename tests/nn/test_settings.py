"""Typed constructors: what a form reads, what is refused, what is said."""

from typing import Annotated, Any, Literal

import pytest

from engine.errors import ArgumentError
from engine.nn.settings import Between, Inferred, Suggested, checked, defaults, form_settings, in_words, settings

Size = Annotated[int, Between(1, 9), Suggested(3)]


@checked
class Sample:
    """Every kind of hint."""

    def __init__(
        self,
        incoming: Annotated[int, Inferred],
        size: Size | tuple[Size, Size],
        rate: Annotated[float, Between(0, 1, open_end=True)] = 0.5,
        mode: Literal["a", "b"] = "a",
        fixed: Literal["only"] = "only",
        names: list[str] | None = None,
        flag: bool = False,
        thing: Any = None,
    ) -> None:
        self.size, self.rate = size, rate


def test_a_form_shows_what_a_person_can_choose() -> None:
    assert list(settings(Sample)) == ["incoming", "size", "rate", "mode", "fixed", "names", "flag", "thing"]
    assert list(form_settings(Sample)) == ["size", "rate", "mode", "names", "flag"]
    assert defaults(Sample) == {"size": 3, "rate": 0.5, "mode": "a", "names": None, "flag": False}
    assert settings(Sample)["size"].required
    assert settings(Sample)["incoming"].inferred


@pytest.mark.parametrize(
    "params",
    [
        {"size": 1}, {"size": 9}, {"size": [2, 3]}, {"size": (2, 3)}, {"rate": 0}, {"rate": 0.999}, {"names": ["x"]},
        {"names": None}, {"flag": True}, {"thing": object()},
    ],
)  # fmt: skip
def test_values_that_fit_are_taken(params: dict[str, Any]) -> None:
    Sample(1, **{"size": 1, **params})


@pytest.mark.parametrize(
    "params",
    [
        {"size": 0}, {"size": 10}, {"size": 2.0}, {"size": "2"}, {"size": [2]}, {"size": [2, 10]}, {"size": None},
        {"rate": 1}, {"rate": float("nan")}, {"rate": True}, {"mode": "c"}, {"fixed": "other"}, {"names": "x"},
        {"names": [1]}, {"flag": 1}, {"flag": None},
    ],
)  # fmt: skip
def test_values_that_do_not_fit_are_refused_by_their_name(params: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError) as caught:
        Sample(1, **{"size": 1, **params})
    assert caught.value.field == next(iter(params))
    assert caught.value.expected


def test_a_missing_setting_is_an_error_of_the_value_and_of_the_call() -> None:
    for kind in (ArgumentError, TypeError):
        with pytest.raises(kind, match="size"):
            Sample(1)  # type: ignore[call-arg]


def test_a_subclass_with_a_constructor_of_its_own_is_not_held_to_the_first_one() -> None:
    class Narrow(Sample):
        def __init__(self, other: str) -> None:
            super().__init__(1, 2)
            self.other = other

    assert Narrow("x").size == 2
    assert list(settings(Narrow)) == ["other"]


def test_a_long_value_is_shown_short() -> None:
    with pytest.raises(ArgumentError) as caught:
        Sample(1, "x" * 1000)  # type: ignore[arg-type]
    assert len(caught.value.got) <= 60


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (Annotated[int, Between(1, 9)], "a whole number from 1 to 9"),
        (Annotated[float, Between(0, 1, open_end=True)], "a number from 0 to less than 1"),
        (Literal["a", "b"], "one of a, b"),
        (int | None, "a whole number or nothing"),
        (tuple[float, float], "2 values, each a number"),
        (list[str], "a list, each a text"),
    ],
)
def test_hints_are_said_in_words(hint: Any, words: str) -> None:
    assert in_words(hint) == words
