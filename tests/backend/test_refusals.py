"""What bad input gets: one shape, a place, a sentence, a way to mend it; and the server goes on."""

from __future__ import annotations

import json
import socket
from typing import Any

import httpx
import pytest
from served import Served
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

JSON = {"content-type": "application/json"}


def check_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The shape that every refusal has."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = json.loads(answer.text, parse_constant=lambda name: pytest.fail(f"{name} in an answer"))
    assert set(problem) == {"type", "title", "status", "detail", "instance", "code", "errors"}
    assert problem["status"] == status
    assert problem["detail"].endswith((".", "?", "!", ")"))
    assert "Traceback" not in answer.text
    assert len(answer.text) < 20_000
    for fault in problem["errors"]:
        assert {"pointer", "code", "message"} <= set(fault)
    return dict(problem)


def billion() -> dict[str, Any]:
    """A graph with more than a billion weights, in a few lines."""
    layers = [("a", "x"), ("b", "a")] + [(f"c{n}", f"c{n - 1}" if n else "b") for n in range(70)]
    nodes = [{"id": n, "kind": "Linear", "params": {"out_features": 4096}, "inputs": [source]} for n, source in layers]
    return {"graph": {"nodes": nodes, "outputs": [nodes[-1]["id"]]}}


RUNS: list[tuple[str, str, str, str]] = [
    (
        "NaN as a learning rate",
        '{"spec": {"optimizer": {"kind": "SGD", "params": {"lr": NaN}}}}',
        "lr",
        "/spec/optimizer/params/lr",
    ),
    (
        "infinity by a large exponent",
        '{"spec": {"penalty": {"kind": "l2", "rate": 1e999}}}',
        "rate",
        "/spec/penalty/rate",
    ),
    ("a word for a number", '{"spec": {"batches": {"size": "inf"}}}', "size", "/spec/batches/size"),
    ("an unknown data set", '{"spec": {"data": {"kind": "nothing"}}}', "nothing", "/spec/data/kind"),
    ("an unknown field", '{"spec": {"optimiser": {}}}', "optimiser", "/spec/optimiser"),
    ("a version from the future", '{"spec": {"version": 2}}', "version", "/spec/version"),
    (
        "a rate out of bounds",
        '{"spec": {"optimizer": {"kind": "SGD", "params": {"lr": -1}}}}',
        "lr",
        "/spec/optimizer/params/lr",
    ),
    ("a missing file", '{"spec": {"data": {"kind": "csv", "params": {"file": "gone"}}}}', "gone", ""),
    (
        "a path out of the folder",
        '{"spec": {"data": {"kind": "csv", "params": {"file": "../../etc/passwd"}}}}',
        "passwd",
        "",
    ),
    ("files that are not there", '{"spec": {"data": {"kind": "cifar10"}}}', "", ""),
    ("a device that is not there", '{"spec": {"device": "cuda:7"}}', "cuda:7", "/spec/device"),
]


@pytest.mark.parametrize(("body", "word", "pointer"), [row[1:] for row in RUNS], ids=[row[0] for row in RUNS])
def test_a_run_that_cannot_be_is_refused_with_its_place(server: Served, body: str, word: str, pointer: str) -> None:
    problem = check_problem(server.http.post("/api/v1/runs", content=body, headers=JSON), 422)
    assert problem["errors"]
    assert any(word in json.dumps(fault) for fault in problem["errors"])
    if pointer:
        assert problem["errors"][0]["pointer"] == pointer


def test_a_billion_weights_are_refused_by_an_estimate(server: Served) -> None:
    problem = check_problem(server.http.post("/api/v1/runs", json={"spec": billion()}), 422)
    assert problem["code"] == "too_large"
    assert problem["errors"][0]["hint"]


def test_a_layer_that_does_not_fit_is_named_with_its_node(server: Served) -> None:
    node = {"id": "seen", "kind": "Conv2d", "params": {"out_channels": 3, "kernel_size": 3}, "inputs": ["x"]}
    spec = {"graph": {"nodes": [node], "outputs": ["seen"]}}
    problem = check_problem(server.http.post("/api/v1/runs", json={"spec": spec}), 422)
    assert "seen" in {fault.get("node") for fault in problem["errors"]}
    assert any(fault["pointer"].startswith("/spec/graph/nodes/0") for fault in problem["errors"])


def test_a_broken_field_inside_a_node_names_the_node(server: Served) -> None:
    node = {"id": "seen", "kind": "Linear", "params": {"out_features": 1}, "inputs": "x"}
    problem = check_problem(server.http.post("/api/v1/runs", json={"spec": {"graph": {"nodes": [node]}}}), 422)
    fault = problem["errors"][0]
    assert (fault["node"], fault["field"], fault["pointer"]) == ("seen", "inputs", "/spec/graph/nodes/0/inputs")


REQUESTS: list[tuple[str, str, str, dict[str, Any], int]] = [
    ("no such address", "GET", "/api/v1/nothing", {}, 404),
    ("no such run", "GET", "/api/v1/runs/run_0", {}, 404),
    ("no such file", "GET", "/nothing.js", {}, 404),
    ("a way out of the folder", "GET", "/..%2f..%2fpyproject.toml", {}, 404),
    ("a method that is not there", "PUT", "/api/v1/runs", {"json": {}}, 405),
    ("a form of another site", "POST", "/api/v1/runs", {"data": {"spec": "{}"}}, 415),
    ("text for JSON", "POST", "/api/v1/runs", {"content": "{}", "headers": {"content-type": "text/plain"}}, 415),
    ("no content type", "POST", "/api/v1/runs", {"content": "{}"}, 415),
    ("no JSON", "POST", "/api/v1/runs", {"content": "{", "headers": JSON}, 422),
    ("a number for an object", "POST", "/api/v1/runs", {"content": "7", "headers": JSON}, 422),
    ("too large", "POST", "/api/v1/runs", {"content": b" " * 1_000_001, "headers": JSON}, 413),
    ("too large in pieces", "POST", "/api/v1/runs", {"content": iter([b" " * 600_000] * 2), "headers": JSON}, 413),
    ("too deep", "POST", "/api/v1/runs", {"content": "[" * 400 + "]" * 400, "headers": JSON}, 422),
    ("much too deep", "POST", "/api/v1/runs", {"content": "[" * 400_000, "headers": JSON}, 422),
    ("a command that is none", "POST", "/api/v1/runs/run_0/commands", {"json": {"op": "fly"}}, 422),
    ("a command to nobody", "POST", "/api/v1/runs/run_0/commands", {"json": {"op": "play"}}, 404),
    ("a page of nobody's", "GET", "/api/v1/runs?cursor=abc", {}, 422),
    ("a page too long", "GET", "/api/v1/runs?limit=100000", {}, 422),
    ("no such data set", "GET", "/api/v1/datasets/nothing", {}, 404),
    ("nothing to download", "POST", "/api/v1/datasets/circle/download", {}, 404),
    ("no points to show", "GET", "/api/v1/datasets/mnist/thumbnail", {}, 404),
]


@pytest.mark.parametrize(
    ("method", "path", "given", "status"), [row[1:] for row in REQUESTS], ids=[row[0] for row in REQUESTS]
)
def test_every_refusal_has_the_one_shape(
    server: Served, method: str, path: str, given: dict[str, Any], status: int
) -> None:
    check_problem(server.http.request(method, path, **given), status)


TABLES: list[tuple[str, bytes, str]] = [
    ("a binary file", b"\x00\x01\x02", "text"),
    ("an empty file", b"\n\n", "empty"),
    ("one column", b"a\n1\n2\n", "two columns"),
    ("ragged lines", b"a,b\n1,2\n3\n", "line 3"),
    ("names only", b"a,b\n", "lines of data"),
    ("a name twice", b"a,a\n1,2\n", "different column names"),
]


@pytest.mark.parametrize(("content", "word"), [row[1:] for row in TABLES], ids=[row[0] for row in TABLES])
def test_a_malformed_table_is_refused_with_its_line(server: Served, content: bytes, word: str) -> None:
    answer = server.http.post("/api/v1/datasets/csv", content=content, headers={"content-type": "text/csv"})
    problem = check_problem(answer, 422)
    assert word in problem["detail"]
    assert problem["errors"][0]["hint"]


def test_what_came_is_never_echoed_whole(server: Served) -> None:
    poison = "<script>" + "x" * 5000
    answer = server.http.post("/api/v1/runs", json={"spec": {"data": {"kind": poison}}, "name": 5})
    check_problem(answer, 422)
    assert "x" * 200 not in answer.text


HOSTS = [
    ("127.0.0.1:{port}", True),
    ("localhost:{port}", True),
    ("LOCALHOST", True),
    ("[::1]:{port}", True),
    ("192.168.7.7:{port}", True),
    ("evil.example", False),
    ("evil.example:{port}", False),
    ("127.0.0.1.evil.example", False),
    ("localhost.evil.example:{port}", False),
    ("127.0.0.1:{port}/x", False),
    ("user@localhost", False),
    ("", False),
]


@pytest.mark.parametrize(("host", "welcome"), HOSTS)
def test_only_our_own_names_are_answered(server: Served, host: str, welcome: bool) -> None:
    port = httpx.URL(server.url).port
    with socket.create_connection(("127.0.0.1", port or 0), timeout=10) as raw:
        raw.sendall(f"GET /healthz HTTP/1.1\r\nHost: {host.format(port=port)}\r\nConnection: close\r\n\r\n".encode())
        status = raw.makefile("rb").readline().split()[1]
    assert status == (b"200" if welcome else b"421")


ORIGINS = [
    (None, True),
    ("{own}", True),
    ("http://evil.example", False),
    ("null", False),
    ("{own}.evil.example", False),
    ("http://127.0.0.1:1", False),
    ("http://localhost", False),
    ("http://user@{netloc}", False),
    ("{own}/path", False),
    ("ftp://{netloc}", False),
    ("", False),
]


def origin_headers(server: Served, origin: str | None) -> dict[str, str]:
    netloc = server.url.removeprefix("http://")
    return {} if origin is None else {"origin": origin.format(own=server.url, netloc=netloc)}


@pytest.mark.parametrize(("origin", "welcome"), ORIGINS)
def test_only_our_own_page_may_change_things(server: Served, origin: str | None, welcome: bool) -> None:
    answer = server.http.post("/api/v1/graphs/check", json={}, headers=origin_headers(server, origin))
    if welcome:
        assert answer.status_code == 200
    else:
        assert check_problem(answer, 403)["code"] == "foreign_origin"


@pytest.mark.parametrize(("origin", "welcome"), ORIGINS)
def test_only_our_own_page_may_open_the_socket(server: Served, origin: str | None, welcome: bool) -> None:
    address = server.api.replace("http://", "ws://") + "/stream"
    headers = origin_headers(server, origin)
    if welcome:
        with connect(address, additional_headers=headers) as stream:
            assert json.loads(stream.recv(timeout=10))["kind"] == "welcome"
    else:
        with pytest.raises(InvalidStatus) as refused, connect(address, additional_headers=headers):
            pass
        assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)]
)
def test_a_browser_that_says_a_request_crosses_sites_is_believed(server: Served, site: str, status: int) -> None:
    answer = server.http.post("/api/v1/graphs/check", json={}, headers={"sec-fetch-site": site})
    assert answer.status_code == status


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/v1/nothing", "/api/v1/catalog", "/api/v1/openapi.json"])
def test_every_answer_carries_the_security_headers(server: Served, path: str) -> None:
    headers = server.http.get(path).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "script-src" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers
    assert "access-control-allow-origin" not in headers


def test_the_server_is_well_after_all_this(server: Served) -> None:
    assert server.get("/health")["status"] == "ok"
    assert server.process.poll() is None
    assert server.complained == []
