"""The first view, in a real browser on a real server: a network over the plane that learns before one's eyes."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

Open = Callable[..., Any]
RUN = "globalThis.playground.session.run"


def count(page: Any, name: str) -> float:
    """A number of the counters, as a person reads it."""
    text = page.locator(f'[data-count="{name}"]').inner_text()
    found = re.search(r"[\d.]+", text.replace("\u202f", "").replace(",", "."))
    return float(found.group()) if found else float("nan")


def tile(page: Any, column: int, unit: int) -> Any:
    """The picture of one neuron; column 0 holds the features."""
    return page.locator(f'[data-unit="{column}-{unit}"]')


def settled(page: Any, state: str) -> None:
    """Wait for a state of the run."""
    page.wait_for_function(f"{RUN}.state === '{state}'")


def test_the_first_view_shows_an_untrained_network(clean_page: Any, server: str) -> None:
    clean_page.goto(server)
    clean_page.wait_for_function("document.querySelector('[data-unit] canvas')?.width === 20")
    clean_page.wait_for_function(f"{RUN}.picture('decision?size=100') && {RUN}.picture('points?split=train')")
    milliseconds = clean_page.evaluate("performance.now()")
    print(f"\nfirst view painted after {milliseconds:.0f} ms")
    assert clean_page.locator("[data-unit]").count() == 7 + 4 + 2 + 1
    assert clean_page.locator("dialog[open]").count() == 0
    assert count(clean_page, "epoch") == 0
    assert count(clean_page, "test-loss") > 0.3
    for name in ("Epoch", "Step", "Train loss", "Test loss", "Test accuracy"):
        assert clean_page.get_by_text(name, exact=True).first.is_visible()


def test_the_first_view_needs_at_most_80_kb_of_compressed_javascript(clean_page: Any, server: str) -> None:
    loaded: dict[str, int] = {}
    clean_page.on(
        "response", lambda got: loaded.update({got.url: len(gzip.compress(got.body()))} if ".js" in got.url else {})
    )
    clean_page.goto(server)
    clean_page.wait_for_function(f"{RUN}?.picture('decision?size=100')")
    print(f"\n{sum(loaded.values()) / 1000:.1f} kB of JavaScript in {len(loaded)} files")
    assert loaded
    assert sum(loaded.values()) < 80_000


def test_the_page_obeys_its_own_security_policy(browser: Any, server: str) -> None:
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda line: wrong.append(line.text) if line.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(server)
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").wait_for()
    page.get_by_label("Theme").select_option("dark")
    page.get_by_label("Menu").click()
    context.close()
    assert wrong == []


def test_play_learns_the_circle_and_pause_stops_it(opened: Open) -> None:
    page = opened()
    milliseconds = page.evaluate("""async () => {
        const { stats } = playground.hub;
        const [before, start] = [stats.received, performance.now()];
        [...document.querySelectorAll("button")].find((each) => each.textContent.includes("Play")).click();
        while (stats.received === before) await new Promise((done) => requestAnimationFrame(done));
        return performance.now() - start;
    }""")
    print(f"\n{milliseconds:.0f} ms from Play to the first painted frame")
    page.wait_for_function(f"{RUN}.readout.testAccuracy >= 0.99")
    page.get_by_role("button", name="Pause").click()
    settled(page, "paused")
    assert count(page, "test-accuracy") >= 99
    stopped = page.evaluate(f"{RUN}.newest.step")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate(f"{RUN}.newest.step") == stopped
    assert page.evaluate(f"{RUN}.series.length") > 20


def test_step_goes_one_epoch_or_one_batch_and_reset_begins_again_with_the_same_weights(opened: Open) -> None:
    page = opened()
    first, attempt = count(page, "test-loss"), page.evaluate(f"{RUN}.attempt")
    page.get_by_role("button", name="Step").click()
    page.wait_for_function(f"{RUN}.readout.step === 25")
    assert count(page, "epoch") == 1
    page.get_by_label("What one step is").select_option("batch")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Step").click()
    page.wait_for_function(f"{RUN}.readout.step === 26")
    page.locator("h1").first.evaluate("document.activeElement.blur()")
    page.keyboard.press("r")
    page.wait_for_function(f"{RUN}.attempt === {attempt + 1} && {RUN}.readout.step === 0")
    page.wait_for_function(f"Math.abs({RUN}.readout.testLoss - {first}) < 1e-3")


def test_a_neuron_under_the_pointer_fills_the_large_map(opened: Open) -> None:
    page = opened()
    tile(page, 1, 2).hover()
    page.get_by_role("heading", name="Neuron 3 of hidden layer 1").first.wait_for()
    page.wait_for_function(f"{RUN}.picture('map?node=act1&size=100&unit=2')")
    page.mouse.move(5, 5)
    page.get_by_role("heading", name="Output", exact=True).wait_for()


def test_a_weight_is_read_and_changed_with_a_decimal_comma(opened: Open) -> None:
    page = opened()
    tile(page, 1, 0).click()
    field = page.get_by_label("Weight from x₁ to Neuron 1 of hidden layer 1")
    field.fill("1,25")
    field.press("Enter")
    page.wait_for_function(f"{RUN}.picture('parameter?name=hidden1.weight')?.value.data[0] === 1.25")
    gradient = page.get_by_label("Inspector").locator(".gradient").first
    assert gradient.is_visible()
    field.fill("nonsense")
    field.press("Enter")
    page.get_by_text("A number, please").wait_for()
    field.press("Escape")
    expect(field).to_have_value("1.250")


def test_a_line_and_a_bias_can_be_clicked(opened: Open) -> None:
    page = opened()
    page.get_by_label("Bias of Neuron 2 of hidden layer 1").click()
    assert page.get_by_role("textbox", name="Bias of Neuron 2 of hidden layer 1").is_visible()
    start, end = tile(page, 2, 0).bounding_box(), tile(page, 3, 0).bounding_box()
    x, y = start["x"] + start["width"] + 10, start["y"] + start["height"] / 2
    assert end["x"] > x
    page.mouse.move(x, y)
    page.mouse.click(x, y)
    assert page.get_by_role("textbox", name=re.compile("Weight from .* to Output neuron")).is_visible()


def test_escape_leaves_a_weight_and_gives_the_focus_back_to_its_neuron(opened: Open) -> None:
    page = opened()
    tile(page, 2, 1).click()
    field = page.get_by_role("textbox", name=re.compile("^Bias of"))
    field.focus()
    page.keyboard.press("Escape")
    field.wait_for(state="detached")
    assert page.evaluate("document.activeElement.dataset.unit") == "2-1"


def test_any_learning_rate_can_be_typed(opened: Open) -> None:
    page = opened()
    page.get_by_label("Learning rate").select_option("other")
    page.keyboard.press("Control+A")
    page.keyboard.type("0,045")
    page.keyboard.press("Enter")
    page.wait_for_function(f"{RUN}.spec.optimizer.params.lr === 0.045")
    expect(page.get_by_label("Learning rate")).to_have_value("0.045")
    expect(page.get_by_label("Learning rate")).to_be_focused()


def test_settings_change_while_it_trains_and_are_marked_without_a_reset(opened: Open) -> None:
    page = opened()
    attempt = page.evaluate(f"{RUN}.attempt")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"{RUN}.newest.epoch > 3")
    page.get_by_label("Learning rate").select_option("0.1")
    page.wait_for_function(f"{RUN}.series.marks.some((mark) => mark.path === 'optimizer.params.lr')")
    page.get_by_label("Regularisation", exact=True).select_option("l2")
    page.wait_for_function(f"{RUN}.series.marks.some((mark) => mark.path.startsWith('penalty'))")
    assert page.evaluate(f"{RUN}.attempt") == attempt
    assert page.evaluate(f"{RUN}.state") == "running"


def test_layers_and_neurons_come_and_go_and_undo_brings_them_back(opened: Open) -> None:
    page = opened()
    page.get_by_role("button", name="Add a hidden layer").click()
    page.locator('[data-unit="4-0"]').wait_for()
    page.get_by_role("button", name="Add a neuron to hidden layer 1").click()
    tile(page, 1, 4).wait_for()
    tile(page, 0, 2).click()
    page.wait_for_function(f"{RUN}.spec.graph.inputs[0].shape[0] === 3")
    page.keyboard.press("Escape")
    for _ in range(3):
        page.keyboard.press("Control+z")
    page.wait_for_function("document.querySelectorAll('[data-unit]').length === 14")
    page.wait_for_function(f"{RUN}.spec.graph.inputs[0].shape[0] === 2")


def test_every_data_set_and_loss_that_is_offered_can_be_chosen(opened: Open) -> None:
    page = opened()
    for name in ("Spiral", "Petals", "Circle"):
        page.get_by_role("group", name="Data set").get_by_role("button", name=name).click()
        page.wait_for_function(f"{RUN}.spec.data.kind === '{name.lower()}' && !{RUN}.refused.length")
    for loss in page.get_by_label("Loss", exact=True).locator("option").evaluate_all("all => all.map((o) => o.value)"):
        page.get_by_label("Loss", exact=True).select_option(loss)
        page.wait_for_function(f"{RUN}.spec.loss.kind === '{loss}'")
    page.get_by_label("Problem type").select_option("regression")
    page.wait_for_function(f"{RUN}.spec.data.kind.startsWith('reg')")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"{RUN}.newest.epoch > 2")
    assert page.locator('[data-banner="problem"]').count() == 0


def test_a_diverging_run_pauses_and_says_which_layer(opened: Open) -> None:
    page = opened("/#preset=reg-plane")
    page.get_by_label("Learning rate").select_option("10")
    page.get_by_label("Activation").select_option("ReLU")
    page.get_by_role("button", name="Play").click()
    banner = page.locator('[data-banner="problem"]')
    banner.wait_for()
    settled(page, "paused")
    assert "Training paused itself." in banner.inner_text()
    assert page.locator(".tile.wrong").count() > 0


def test_a_reload_finds_the_same_run_where_it_was(opened: Open) -> None:
    page = opened()
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"{RUN}.newest.epoch > 10")
    page.get_by_role("button", name="Pause").click()
    settled(page, "paused")
    page.wait_for_function("location.hash.includes('run=') && location.hash.includes('spec=')")
    run, step, rows = page.evaluate(f"[{RUN}.id, {RUN}.newest.step, {RUN}.series.length]")
    page.reload()
    page.wait_for_function(f"{RUN}?.series.length > 5")
    assert page.evaluate(f"[{RUN}.id, {RUN}.newest.step, {RUN}.state]") == [run, step, "paused"]
    page.wait_for_function(f"{RUN}.series.length >= {rows}")
    assert page.evaluate(f"[{RUN}.newest.step, {RUN}.series.length]") == [step, rows]


def test_all_of_it_works_by_keyboard(opened: Open) -> None:
    page = opened()
    page.keyboard.press("Space")
    page.wait_for_function(f"{RUN}.newest.epoch > 1")
    page.keyboard.press("Space")
    settled(page, "paused")
    before = page.evaluate(f"{RUN}.newest.step")
    page.keyboard.press("s")
    page.wait_for_function(f"{RUN}.newest.step >= {before} + 25 - {before} % 25 && {RUN}.state === 'paused'")
    tile(page, 0, 0).focus()
    for key in ("ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    page.get_by_role("heading", name="Neuron 2 of hidden layer 1").first.wait_for()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.get_by_role("textbox", name=re.compile("Weight from|Bias")).first.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("0.5")
    page.keyboard.press("Enter")
    page.wait_for_function(f"{RUN}.picture('parameter?name=hidden1.weight')?.value.data[2] === 0.5")
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").count() == 0


def test_the_curve_can_be_read_by_keyboard_and_as_a_table(opened: Open) -> None:
    page = opened()
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"{RUN}.newest.epoch > 5")
    page.get_by_role("button", name="Pause").click()
    settled(page, "paused")
    page.get_by_role("img", name=re.compile("Train and test loss")).focus()
    page.keyboard.press("Home")
    page.get_by_text(re.compile("Epoch 0: train")).wait_for()
    page.get_by_role("button", name="Show as table").click()
    assert page.get_by_role("row").count() > 5


def test_what_is_shown_is_in_the_address_and_comes_back(opened: Open, clean_page: Any) -> None:
    page = opened()
    page.get_by_label("Show test data").check()
    page.wait_for_function("location.hash.includes('show=test')")
    page.reload()
    page.wait_for_function(f"{RUN}?.picture('points?split=test')")
    assert page.get_by_label("Show test data").is_checked()


def test_the_page_speaks_french(opened: Open) -> None:
    page = opened()
    page.get_by_label("Language").select_option("fr")
    page.get_by_role("button", name="Lancer").wait_for()
    assert page.evaluate("document.documentElement.lang") == "fr"
    assert page.get_by_text("2 couches cachées").is_visible()
    assert page.get_by_text("Époque", exact=True).first.is_visible()
    page.evaluate(f"{RUN}.command({{ op: 'set', path: 'nonsense', value: 1 }})")
    page.get_by_text("« nonsense » ne peut pas changer pendant l’entraînement.").wait_for()


def test_reduced_motion_leaves_the_lines_still(opened: Open, clean_page: Any) -> None:
    clean_page.emulate_media(reduced_motion="reduce")
    page = opened()
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--calm').trim()") in (
        "0ms",
        "0s",
    )


@pytest.mark.bench
def test_frames_are_painted_and_their_time_is_told(opened: Open) -> None:
    page = opened()
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"{RUN}.newest.epoch > 10")
    each, before = [], page.evaluate("({...playground.hub.stats})")
    for epoch in range(20, 80, 10):
        page.wait_for_function(f"{RUN}.newest.epoch > {epoch}")
        after = page.evaluate("({...playground.hub.stats})")
        if after["painted"] > before["painted"]:
            each.append((after["paintMs"] - before["paintMs"]) / (after["painted"] - before["painted"]))
        before = after
    print(f"\n{min(each):.2f} to {max(each):.2f} ms a frame")
    assert len(each) > 1  # frames were painted; eight milliseconds for one are what a page with a graphics card needs


@pytest.mark.parametrize("width", [1280, 820, 375])
def test_a_deep_and_a_wide_network_stay_inside_the_page(opened: Open, width: int) -> None:
    page = opened()
    page.set_viewport_size({"width": width, "height": 800})
    for _ in range(3):
        page.get_by_role("button", name="Add a hidden layer").click()
    page.wait_for_function("document.querySelector('[data-unit=\"6-0\"]')")
    page.evaluate(
        f"{RUN}.change((spec) => ({{...spec, graph: {{...spec.graph, nodes: spec.graph.nodes.map((node) =>"
        " node.id === 'hidden1' ? {...node, params: {...node.params, out_features: 40}} : node)}}))"
    )
    page.locator(".title", has_text="40 neurons").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_lost_connection_says_that_the_server_goes_on_and_heals_itself(page: Any, own_server: Any) -> None:
    page.goto(own_server.url)
    page.get_by_role("button", name="Play").wait_for()
    page.wait_for_function("playground.session.line === 'open'")
    own_server.stop()
    page.get_by_text("the server is still training").wait_for()
    own_server.start()
    page.wait_for_function("playground.session.line === 'open'")
    page.get_by_text("the server is still training").wait_for(state="detached")
