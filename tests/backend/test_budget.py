"""The budget of pictures, on a clock of its own."""

from __future__ import annotations

from collections import Counter

import pytest

from backend.runs.budget import FORGET, SHARE, Budget


class Probe:
    """Topics that take as long as they say, on a clock that only they move."""

    def __init__(self, **costs: float) -> None:
        self.costs, self.now = costs, 0.0

    def clock(self) -> float:
        return self.now

    def compute(self, topics: list[str]) -> list[str]:
        self.now += sum(self.costs[topic] for topic in topics)
        return topics


def frames(probe: Probe, seconds: float, training: float = 1.0) -> tuple[Counter[str], int, float]:
    """(how often each topic was computed, number of frames, share of the training time) of a run that trains for this
    share of its time and waits for the rest."""
    budget, topics = Budget(probe.clock), list(probe.costs)
    budget.spend(topics, probe.compute)
    budget.credit = 0.0
    began, shown, count, waited, slice_ = probe.now, Counter[str](), 0, 0.0, 0.01
    for _ in range(round(seconds / slice_)):
        budget.earn(trained=slice_ * training, idle=slice_ * (1 - training))
        waited += slice_
        chosen = budget.choose(topics, waited)
        if chosen:
            shown.update(budget.spend(chosen, probe.compute))
            count, waited = count + 1, 0.0
    return shown, count, (probe.now - began) / (seconds * training)


def test_cheap_pictures_are_all_in_every_frame_at_the_highest_rate() -> None:
    shown, count, share = frames(Probe(progress=0.0001, points=0.0002, map=0.0005), 10)
    assert set(shown.values()) == {count}
    assert count >= 20 * 10
    assert share <= SHARE


@pytest.mark.parametrize("dear", [0.002, 0.004, 0.02])
def test_dear_pictures_take_turns_and_none_is_forgotten(dear: float) -> None:
    shown, count, share = frames(Probe(progress=0.0001, a=dear, b=dear, c=dear, d=dear), 20)
    assert shown["progress"] == count >= 9 * 20
    assert max(shown[one] for one in "abcd") - min(shown[one] for one in "abcd") <= 1
    assert share <= SHARE * 1.2


def test_a_run_that_mostly_waits_is_shown_often_however_dear_it_is() -> None:
    shown, count, _ = frames(Probe(progress=0.0001, map=0.004, decision=0.004), 10, training=0.2)
    assert count >= 20 * 10
    assert set(shown.values()) == {count}


def test_a_picture_that_is_dearer_than_the_budget_is_still_shown() -> None:
    shown, count, share = frames(Probe(progress=0.0001, huge=0.05), 20)
    assert 1 <= shown["huge"] < shown["progress"] == count
    assert share <= SHARE * 1.2


def test_costs_of_topics_that_nobody_wants_are_forgotten() -> None:
    probe = Probe(**{f"t{n}": 0.0001 for n in range(3000)})
    budget = Budget(probe.clock)
    for topic in probe.costs:
        budget.spend([topic], probe.compute)
    assert len(budget.costs) <= FORGET


def test_a_slow_first_look_does_not_leave_a_picture_stale() -> None:
    probe = Probe(progress=0.0001, decision=0.2)
    budget = Budget(probe.clock)
    budget.spend(list(probe.costs), probe.compute)  # cold: the first look takes long
    probe.costs["decision"] = 0.002
    for _ in range(30):
        budget.earn(trained=0.01)
    assert "decision" in budget.choose(list(probe.costs), 0.3)
