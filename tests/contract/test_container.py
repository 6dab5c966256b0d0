"""What the image and the compose file promise, read off their text: they are small, and no YAML reader is needed."""

import fnmatch
import re
from pathlib import Path

import pytest

from backend.settings import Settings

HOUSE = Path(__file__).parents[2]
DOCKERFILE = (HOUSE / "Dockerfile").read_text().replace("\\\n", " ")
COMPOSE = re.sub(r"\s+#.*|^#.*", "", (HOUSE / "docker-compose.yml").read_text(), flags=re.MULTILINE)
BYTES = {"m": 2**20, "g": 2**30}


def instructions(name: str) -> list[str]:
    """The arguments of every Dockerfile instruction of this name, in order."""
    return re.findall(rf"^{name}\s+(.*)$", DOCKERFILE, flags=re.MULTILINE)


def final_stage() -> str:
    return DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]


def scalar(key: str) -> str:
    """The value of `key: value` in the compose file; a key may stand there once."""
    (value,) = re.findall(rf"^\s+{key}:\s+(.+)$", COMPOSE, flags=re.MULTILINE)
    return str(value).strip().strip('"')


def entries(key: str) -> list[str]:
    """The items of the list under `key:` in the compose file."""
    block = re.search(rf"^\s+{key}:\n((?:\s+- .*\n)+)", COMPOSE, flags=re.MULTILINE)
    return [line.strip()[2:].strip('"') for line in block[1].splitlines()] if block else []


def environment() -> dict[str, str]:
    """The PLAYGROUND_ settings of the image, then those of the compose file."""
    pairs = re.findall(r"\b(PLAYGROUND_\w+)=(\S+)", " ".join(instructions("ENV")))
    pairs += re.findall(r'^\s+(PLAYGROUND_\w+):\s+"?([^"\s]+)', COMPOSE, flags=re.MULTILINE)
    return dict(pairs)


def test_the_page_is_published_for_this_machine_alone() -> None:
    assert entries("ports")
    assert all(port.startswith("127.0.0.1:") for port in entries("ports"))


def test_the_published_port_is_the_one_the_server_listens_on() -> None:
    inside = {port.rsplit(":", 1)[1] for port in entries("ports")}
    assert inside == {environment()["PLAYGROUND_PORT"]} == set(instructions("EXPOSE"))


def test_the_container_may_do_no_more_than_it_needs() -> None:
    assert scalar("read_only") == "true"
    assert entries("cap_drop") == ["ALL"]
    assert entries("security_opt") == ["no-new-privileges:true"]
    assert int(scalar("pids_limit")) > 0
    assert not re.search(r"privileged:|cap_add:|network_mode:|docker\.sock", COMPOSE)


def test_the_server_is_not_root() -> None:
    user = re.findall(r"^USER\s+(\S+)", final_stage(), flags=re.MULTILINE)
    assert user
    assert user[-1].isdigit(), "a number is checked by orchestrators, a name is not"
    assert int(user[-1]) > 0


def test_every_setting_of_the_container_exists_and_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {f"PLAYGROUND_{name.upper()}" for name in Settings.model_fields}
    assert set(environment()) <= known
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    assert Settings().host == "0.0.0.0"


def test_a_run_too_large_for_the_container_is_refused_before_it_is_killed() -> None:
    limit = scalar("mem_limit")
    assert int(environment()["PLAYGROUND_MAX_MEMORY"]) < int(limit[:-1]) * BYTES[limit[-1]]


def test_runs_are_kept_in_a_named_volume() -> None:
    folder = environment()["PLAYGROUND_DATA_DIR"]
    volume = next(name for name, target in (one.split(":") for one in entries("volumes")) if target == folder)
    assert re.search(rf"^volumes:\n\s+{volume}:", COMPOSE, flags=re.MULTILINE)
    assert instructions("VOLUME") == [folder]


def test_what_is_copied_into_the_image_is_sent_to_the_builder() -> None:
    rules = [line for line in (HOUSE / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    wanted = [name for line in instructions("COPY") if "--from" not in line for name in line.split()[:-1]]
    assert wanted
    for name in wanted:
        verdicts = [rule for rule in rules if fnmatch.fnmatch(name, rule.removeprefix("!"))]
        assert verdicts[-1:] == [f"!{name}"], f"{name} is kept from the builder by {verdicts}"
        assert (HOUSE / name).exists()


def test_what_builds_stays_out_of_what_runs() -> None:
    stages = instructions("FROM")
    assert len({stage.split()[0] for stage in stages}) == 1, "a virtual environment needs the Python it was made with"
    assert not re.search(r"pip|npm|apt-get|COPY (?!--from)", final_stage())
