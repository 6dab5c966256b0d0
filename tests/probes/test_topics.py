"""Topics: names of pictures with arguments, and one way to write each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ArgumentError
from engine.probes import PROBES, canonical, format_topic, parse_topic


@pytest.mark.parametrize(
    ("topic", "written"),
    [
        ("progress", "progress"),
        ("decision", "decision?size=100"),
        ("map?size=20&node=act1", "map?node=act1&size=20"),
        ("map?node=act1&unit=2&size=100", "map?node=act1&size=100&unit=2"),
        ("parameter?name=hidden1.weight", "parameter?name=hidden1.weight"),
        ("confusion", "confusion?split=test"),
    ],
)
def test_a_topic_has_one_way_to_be_written(topic: str, written: str) -> None:
    assert canonical(topic) == written
    assert canonical(written) == written


@pytest.mark.parametrize(
    "topic",
    ["", "?", "nothing", "map", "map?node", "map?node=a&size=1", "map?node=a&size=1e3", "map?node=a&colour=red",
     "points?split=all", "examples?count=100000", "x" * 5000, "map?node=a&size=-3", "decision?size=99999999999999"],
)  # fmt: skip
def test_a_bad_topic_is_refused_in_words(topic: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        parse_topic(topic)
    assert caught.value.expected


@given(st.sampled_from(sorted(PROBES)), st.text("=&?%. /é\n1a", max_size=12))
def test_any_text_survives_the_trip(name: str, text: str) -> None:
    from engine.probes.topic import split_topic

    assert split_topic(format_topic(name, {"node": text})) == (name, {"node": text})


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_says_what_it_shows_and_takes(name: str) -> None:
    probe = PROBES[name]
    assert probe.summary.endswith(".")
    assert set(probe.schema()["properties"]) == {a.name for a in probe.arguments}
