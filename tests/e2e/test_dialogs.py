"""The dialogs of the page, in a real browser on a real server."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_every_preset import COLLISIONS, axe_violations, settle

ROOT = Path(__file__).resolve().parents[2]
RUN = "globalThis.playground.session.run"
TITLES = {
    "csv": "Your own",
    "project": "Project",
    "export": "Export",
    "share": "Share",
    "runs": "Runs",
    "about": "About",
}


@pytest.fixture
def circle(opened: Callable[[str], Any]) -> Any:
    """The first view."""
    return opened("/#preset=circle")


def open_dialog(page: Any, name: str) -> Any:
    """Open a dialog from the menu, as a person does."""
    page.get_by_label("Menu", exact=True).click()
    page.get_by_role("button", name=TITLES[name]).click()
    dialog = page.get_by_role("dialog")
    dialog.locator(".stack").first.wait_for()
    return dialog


@pytest.mark.parametrize("name", TITLES)
def test_every_dialog_is_clean_closes_with_escape_and_gives_the_focus_back(circle: Any, name: str) -> None:
    """No finding of axe, nothing on top of each other, at two widths; the focus returns to the menu."""
    dialog = open_dialog(circle, name)
    for width in (1280, 375):
        circle.set_viewport_size({"width": width, "height": 800})
        settle(circle)
        assert axe_violations(circle) == []
        inside = circle.evaluate(
            COLLISIONS.replace(
                "createTreeWalker(document.body", "createTreeWalker(document.querySelector('dialog')"
            ).replace(
                "document.querySelectorAll(CONTROLS)", "document.querySelector('dialog').querySelectorAll(CONTROLS)"
            )
        )
        assert inside == []
        assert circle.evaluate("document.querySelector('dialog').contains(document.activeElement)")
        assert circle.evaluate("(d => d.scrollWidth <= d.clientWidth)(document.querySelector('dialog'))")
    circle.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert circle.evaluate("document.activeElement.matches('summary, button')")


def test_a_pasted_table_becomes_a_run_that_learns(circle: Any) -> None:
    """Sample, read, target and columns, train: the run is on the table and its loss falls."""
    dialog = open_dialog(circle, "csv")
    dialog.get_by_role("button", name="Try a sample").click()
    dialog.get_by_role("button", name="Read the table").click()
    dialog.get_by_text("90 rows, 3 columns").wait_for()
    assert dialog.get_by_label("Column to predict").input_value() == "kind"
    dialog.get_by_role("button", name="Train on it").click()
    dialog.wait_for(state="detached")
    circle.wait_for_function(f"{RUN}.spec.data.kind === 'csv'")
    circle.wait_for_function(f"{RUN}.newest.testAccuracy > 0.9")
    assert circle.get_by_role("button", name="Linear hidden1").is_visible()
    circle.locator('[data-cell="2-2"]').scroll_into_view_if_needed()
    names = circle.get_by_role("grid").get_by_role("rowheader").evaluate_all("all => all.map((one) => one.title)")
    assert sorted(names) == ["large", "middle", "small"]


def test_a_bad_table_gets_a_sentence_with_its_line(page: Any, server: str) -> None:
    """A row that is too short is named by its line; an empty table is asked for. (The browser notes the 422 itself.)"""
    page.goto(f"{server}/#preset=circle")
    page.get_by_role("button", name="Play").wait_for()
    dialog = open_dialog(page, "csv")
    dialog.get_by_role("button", name="Read the table").click()
    assert "Paste a table first" in dialog.get_by_role("alert").inner_text()
    dialog.get_by_label("Table as text").fill("a,b,c\n1,2,x\n3,4\n")
    dialog.get_by_role("button", name="Read the table").click()
    dialog.get_by_text("line 3").wait_for()
    sentence = dialog.get_by_role("alert").inner_text()
    assert "expected 3" in sentence
    assert "got 2" in sentence


def test_a_saved_project_opens_again_with_its_weights(circle: Any, tmp_path: Path) -> None:
    """The file is JSON with spec and weights; opened, it gives a run with the same numbers."""
    circle.get_by_role("button", name="Step").click()
    circle.wait_for_function(f"{RUN}.newest.step > 0")
    dialog = open_dialog(circle, "project")
    with circle.expect_download() as download:
        dialog.get_by_role("button", name="Save file").click()
    path = tmp_path / "saved.json"
    download.value.save_as(path)
    saved = json.loads(path.read_text(encoding="utf-8"))
    assert saved["spec"]["data"]["kind"] == "circle"
    assert "hidden1.weight" in saved["weights"]
    old = circle.evaluate(f"{RUN}.id")
    dialog.locator("input[type=file]").set_input_files(path)
    dialog.get_by_role("button", name="Open it").click()
    circle.wait_for_function(f"{RUN}.id !== '{old}'")
    initial = circle.evaluate(f"{RUN}.spec.initial")
    assert initial["kind"] == "arrays"
    assert initial["arrays"]["hidden1.weight"]["data"] == saved["weights"]["hidden1.weight"]["data"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"format": ', "not JSON"),
        ("[1, 2]", "no project file"),
        ('{"format": "autodiff-playground", "version": 9, "spec": {}}', "version 9"),
        ('{"format": "autodiff-playground", "version": 1}', "no network in it"),
    ],
)
def test_a_damaged_project_file_gets_a_sentence(circle: Any, tmp_path: Path, content: str, sentence: str) -> None:
    """Each kind of damage has its own sentence, and the run that is shown stays."""
    path = tmp_path / "bad.json"
    path.write_text(content, encoding="utf-8")
    before = circle.evaluate(f"{RUN}.id")
    dialog = open_dialog(circle, "project")
    dialog.locator("input[type=file]").set_input_files(path)
    assert sentence in dialog.get_by_role("alert").inner_text()
    assert circle.evaluate(f"{RUN}.id") == before


def test_weights_and_script_can_be_taken_away(circle: Any) -> None:
    """The safetensors file names the parameters; the script is shown and builds the layers."""
    dialog = open_dialog(circle, "export")
    with circle.expect_download() as download:
        dialog.get_by_role("link", name="Download .safetensors").click()
    content = Path(download.value.path()).read_bytes()
    assert b"hidden1.weight" in content[:2000]
    assert download.value.suggested_filename.endswith(".safetensors")
    script = dialog.locator("pre")
    script.wait_for()
    assert "import torch" in script.inner_text()
    with circle.expect_download() as download:
        dialog.get_by_role("button", name="Download .py").click()
    assert Path(download.value.path()).read_text(encoding="utf-8") == script.evaluate("e => e.textContent")


def test_the_shared_address_opens_the_same_network(circle: Any, server: str) -> None:
    """Another visitor with the address sees the same spec."""
    dialog = open_dialog(circle, "share")
    field = dialog.get_by_label("Address")
    circle.wait_for_function("document.querySelector('dialog input').value.includes('spec=')")
    address = field.input_value()
    assert address.startswith(server)
    spec = circle.evaluate(f"{RUN}.spec")
    circle.goto("about:blank")
    circle.goto(address)
    circle.wait_for_selector("main canvas")
    assert circle.evaluate(f"{RUN}.spec") == spec


def test_a_run_started_by_a_program_appears_in_the_list_and_opens(circle: Any, server: str) -> None:
    """Posted over REST while the list is open, without a reload."""
    dialog = open_dialog(circle, "runs")
    dialog.get_by_text("shown").wait_for()
    answer = circle.request.post(
        f"{server}/api/v1/runs", data={"spec": {"data": {"kind": "xor"}}, "name": "from a program", "play": False}
    )
    assert answer.status == 201
    row = dialog.locator(f"[data-run='{answer.json()['id']}']")
    row.wait_for()
    row.get_by_role("button", name="Open").click()
    circle.wait_for_function(f"{RUN}.id === '{answer.json()['id']}'")


def test_the_about_page_names_every_library_that_is_installed_with_it(circle: Any) -> None:
    """Each dependency of pyproject.toml, the fonts, and MNIST with its licence."""
    text = open_dialog(circle, "about").inner_text().lower()
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    names = {line.split("~")[0].split(">")[0].split("=")[0].split("[")[0].strip().lower() for line in declared}
    assert {name for name in names if name not in text} == set()
    assert all(word in text for word in ["inter", "jetbrains mono", "cc by-sa 3.0", "svelte"])
