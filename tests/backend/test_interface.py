"""The REST interface as a whole: every route is known, documented, and its examples run as they stand."""

from __future__ import annotations

from typing import Any

import pytest
from served import Served, until

from backend import schema
from backend.app import create_app
from backend.settings import Settings

# Every route there is. A new one needs a row here, which is the moment to think of who may call it.
ROUTES = {
    "GET /api/v1/health",
    "GET /api/v1/devices",
    "GET /api/v1/catalog",
    "GET /api/v1/openapi.json",
    "POST /api/v1/graphs/check",
    "POST /api/v1/runs/check",
    "POST /api/v1/runs",
    "GET /api/v1/runs",
    "GET /api/v1/runs/{run}",
    "DELETE /api/v1/runs/{run}",
    "GET /api/v1/runs/{run}/metrics",
    "POST /api/v1/runs/{run}/commands",
    "GET /api/v1/runs/{run}/weights",
    "GET /api/v1/runs/{run}/source",
    "GET /api/v1/runs/{run}/explain",
    "GET /api/v1/datasets",
    "POST /api/v1/datasets/csv",
    "GET /api/v1/datasets/csv/uploads",
    "GET /api/v1/datasets/{kind}",
    "POST /api/v1/datasets/{kind}/download",
    "GET /api/v1/datasets/{kind}/thumbnail",
    "WEBSOCKET /api/v1/stream",
    "GET /healthz",
    "GET /readyz",
    "GET /{path:path}",
}
UNDOCUMENTED = {"WEBSOCKET /api/v1/stream", "GET /api/v1/openapi.json", "GET /{path:path}"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(Settings(hosts=0)).openapi()


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(m.upper(), p, o) for p, methods in document["paths"].items() for m, o in methods.items()]


def test_every_route_has_a_row_in_the_table(document: dict[str, Any]) -> None:
    found = {f"{method} {path}" for method, path, _ in operations(document)}
    assert found == ROUTES - UNDOCUMENTED


def test_the_routes_that_no_document_lists_are_these(server: Served) -> None:
    app = create_app(Settings(hosts=0))
    assert app.url_path_for("stream") == "/api/v1/stream"
    hidden = {route.path for route in app.routes if not getattr(route, "include_in_schema", True)}
    assert hidden == {row.split()[1] for row in UNDOCUMENTED} - {"/api/v1/stream"}


def test_every_operation_has_a_name_a_sentence_and_documented_problems(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    for method, path, operation in operations(document):
        assert operation.get("description"), f"{method} {path} says nothing"
        for status in ("404", "413", "415", "421", "422", "503"):
            content = operation["responses"][status]["content"]
            assert "application/problem+json" in content, f"{method} {path} {status}"


def test_the_document_that_is_served_is_the_one_that_is_tested(server: Served, document: dict[str, Any]) -> None:
    assert server.get("/openapi.json") == document


def test_the_examples_name_the_circle_and_the_cnn_on_mnist(document: dict[str, Any]) -> None:
    content = document["paths"]["/api/v1/runs"]["post"]["requestBody"]["content"]
    assert {"circle", "mnist-cnn", "defaults"} <= set(content["application/json"]["examples"])


def examples(document: dict[str, Any]) -> list[tuple[str, str, str, Any]]:
    found = []
    for method, path, operation in operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            for name, example in content.get("examples", {}).items():
                found.append((method, path, name, example["value"]))
    return found


def test_every_example_runs_as_it_stands(server: Served, document: dict[str, Any]) -> None:
    run = server.start({}, play=True)
    for method, path, name, value in examples(document):
        answer = server.http.request(method, path.replace("{run}", run), json=value)
        assert answer.status_code < 300, f"{method} {path} {name}: {answer.text}"
        if path == "/api/v1/runs":
            begun = answer.json()["id"]
            until(lambda begun=begun: server.record(begun)["step"] > 0, f"a first step of the example {name}")
            assert server.http.delete(f"/api/v1/runs/{begun}").status_code == 204


def test_the_example_table_can_be_uploaded(server: Served, document: dict[str, Any]) -> None:
    body = document["paths"]["/api/v1/datasets/csv"]["post"]["requestBody"]["content"]["text/csv"]["example"]
    answer = server.http.post("/api/v1/datasets/csv", content=body, headers={"content-type": "text/csv"})
    assert answer.status_code == 201


def test_the_catalogue_names_what_the_defaults_use(server: Served) -> None:
    catalog = server.get("/catalog")
    defaults = catalog["defaults"]
    assert defaults["data"]["kind"] in {one["kind"] for one in catalog["datasets"]}
    assert defaults["optimizer"]["kind"] in {one["kind"] for one in catalog["optimizers"]}
    assert defaults["loss"]["kind"] in {one["kind"] for one in catalog["losses"]}
    assert {node["kind"] for node in defaults["graph"]["nodes"]} <= {one["kind"] for one in catalog["layers"]}


def test_every_preset_passes_its_check_where_its_files_are(server: Served) -> None:
    there = {one["kind"] for one in server.get("/datasets") if one["available"]}
    for preset in server.get("/catalog")["presets"]:
        report = server.post("/runs/check", preset["spec"], 200)
        if preset["spec"]["data"]["kind"] in there:
            assert report["problems"] == [], preset["id"]


def test_a_check_answers_with_problems_inside(server: Served) -> None:
    report = server.post("/graphs/check", {"nodes": [{"id": "a", "kind": "Linear", "inputs": ["nobody"]}]}, 200)
    assert report["problems"]
    assert report["problems"][0]["node"] == "a"


def test_the_devices_are_those_the_hosts_report(server: Served) -> None:
    devices = server.get("/devices")
    assert devices[0]["id"] == "cpu"
    assert devices[0]["memory_bytes"] > 0


def test_thumbnails_are_points_with_labels(server: Served) -> None:
    thumbnail = server.get("/datasets/circle/thumbnail")
    assert len(thumbnail["points"]) == len(thumbnail["labels"]) > 50
    assert thumbnail == server.get("/datasets/circle/thumbnail")
    assert thumbnail != server.get("/datasets/circle/thumbnail", params={"seed": 3})


def test_an_uploaded_table_is_described_listed_and_trained_on(server: Served) -> None:
    rows = "\n".join(f"{n % 7},{(n * 3) % 11},{'high' if n % 7 > 3 else 'low'}" for n in range(120))
    answer = server.http.post(
        "/api/v1/datasets/csv?name=mine.csv", content=f"a,b,label\n{rows}\n", headers={"content-type": "text/csv"}
    )
    upload = answer.json()
    assert (answer.status_code, upload["rows"], upload["suggested_target"]) == (201, 120, "label")
    assert [column["kind"] for column in upload["columns"]] == ["number", "number", "category"]
    assert upload["id"] in {one["id"] for one in server.get("/datasets/csv/uploads")}
    data = {"kind": "csv", "params": {"file": upload["id"], "target": "label"}}
    run = server.start({"data": data, "pace": None, "until": {"epochs": 5}})
    assert server.state(run, "finished", "failed")["state"] == "finished"


def test_the_generated_typescript_is_up_to_date() -> None:
    assert schema.main(["--check"]) == 0


def test_the_page_or_a_sentence_about_it_is_served_at_every_address_of_the_page(server: Served) -> None:
    first, other = server.http.get("/"), server.http.get("/some/view")
    assert first.headers["content-type"].startswith("text/html")
    assert first.text == other.text
    assert first.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_asking_changes_nothing(server: Served, method: str) -> None:
    before = [run["id"] for run in server.get("/runs")["items"]]
    for _, path, operation in operations(server.get("/openapi.json")):
        if "get" in operation["operationId"] or "list" in operation["operationId"]:
            server.http.request(method, path.replace("{run}", "run_0").replace("{kind}", "circle"))
    assert [run["id"] for run in server.get("/runs")["items"]] == before
