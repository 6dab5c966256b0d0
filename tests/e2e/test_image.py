"""The view of networks on images, in a real browser on a real server."""

from collections.abc import Callable
from typing import Any

import pytest

RUN = "globalThis.playground.session.run"


@pytest.fixture
def cnn(opened: Callable[[str], Any]) -> Any:
    """The decks' CNN on MNIST, shown and not yet trained."""
    page = opened("/#preset=mnist-cnn")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.wait_for_selector(".tiles canvas[data-painted]")
    return page


def wait_for_step(page: Any, step: int) -> None:
    """Until the run says that it has made so many steps."""
    page.wait_for_function(f"{RUN}.newest.step >= {step}")


def pixels_of(page: Any, label: str) -> str:
    """The picture of a layer, as text."""
    picture = page.get_by_role("slider", name=label, exact=True).locator("canvas")
    return str(picture.evaluate("canvas => canvas.toDataURL()"))


def stroke(page: Any, points: list[tuple[float, float]]) -> None:
    """Draw on the pad with the mouse; the points are shares of its sides."""
    box = page.get_by_role("application").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()


def test_the_cnn_learns_before_your_eyes_and_its_maps_and_filters_change(cnn: Any) -> None:
    """The loss falls, the pictures differ, pause stops at a step and one step is one batch."""
    maps, filters = pixels_of(cnn, "Maps of conv1"), pixels_of(cnn, "Filters of conv1")
    cnn.get_by_role("button", name="Play").click()
    wait_for_step(cnn, 1)
    first = cnn.evaluate(f"{RUN}.newest.trainLoss")
    wait_for_step(cnn, 60)
    cnn.get_by_role("button", name="Pause").click()
    cnn.wait_for_function(f"{RUN}.state === 'paused'")
    assert cnn.evaluate(f"{RUN}.newest.trainLoss") < first
    assert pixels_of(cnn, "Maps of conv1") != maps
    assert pixels_of(cnn, "Filters of conv1") != filters
    cnn.get_by_label("What one step is").select_option("batch")
    before = cnn.evaluate(f"{RUN}.newest.step")
    cnn.get_by_role("button", name="Step").click()
    cnn.wait_for_function(f"{RUN}.newest.step === {before + 1}")


def test_what_is_off_the_screen_is_not_asked_for(cnn: Any) -> None:
    asked = f"[...{RUN}.wanted.keys()]"
    cnn.set_viewport_size({"width": 375, "height": 812})
    cnn.wait_for_function(f"!{asked}.some((topic) => /confusion|count=24/.test(topic))")
    assert cnn.evaluate(f"{asked}.some((topic) => topic.startsWith('activation'))")
    cnn.get_by_role("heading", name="Confusion matrix").scroll_into_view_if_needed()
    cnn.wait_for_function(f"{asked}.includes('confusion?split=test')")
    cnn.wait_for_function(f"!{asked}.some((topic) => topic.startsWith('activation'))")


def test_every_layer_says_its_shape_and_how_many_weights_it_has(cnn: Any) -> None:
    """The decks' numbers: 456 would need three channels; one channel gives 156, then 2,416, 48,120 and 1,210."""
    texts = cnn.locator(".block").all_inner_texts()
    for shape, weights in [("6 × 28 × 28", "156"), ("16 × 10 × 10", "2,416"), ("120", "48,120"), ("10", "1,210")]:
        assert any(shape in text and weights in text for text in texts), (shape, weights, texts)


def test_the_confusion_matrix_counts_every_evaluated_example_and_reads_a_cell_aloud(cnn: Any) -> None:
    """The cells sum up to the examples of the newest evaluation; a focused cell gives its sentence."""
    cnn.get_by_role("button", name="Play").click()
    cnn.wait_for_function(
        "[...document.querySelectorAll('[data-cell]')].reduce((n, c) => n + Number(c.dataset.count), 0) > 0",
    )
    cnn.get_by_role("button", name="Pause").click()
    cnn.wait_for_function(f"{RUN}.state === 'paused'")
    cell = cnn.locator('[data-cell="4-9"]')
    cell.focus()
    assert "True 4, predicted 9" in cnn.locator(".sentence").inner_text()
    cnn.keyboard.press("ArrowLeft")
    assert "True 4, predicted 8" in cnn.locator(".sentence").inner_text()
    total = cnn.evaluate(f"[...{RUN}.picture('confusion?split=test').counts.data].reduce((a, b) => a + b, 0)")
    assert total == cnn.evaluate(f"{RUN}.picture('confusion?split=test').examples.data[0]")


def test_a_drawn_digit_is_predicted_and_the_maps_show_it_until_it_is_cleared(cnn: Any) -> None:
    """Mouse, then the same with keys alone."""
    before = pixels_of(cnn, "Maps of conv1")
    stroke(cnn, [(0.5, 0.15), (0.5, 0.85)])
    cnn.get_by_text("Your drawing: the network says").wait_for()
    cnn.wait_for_function(
        f"Object.keys({RUN}.picture([...{RUN}.wanted.keys()].find(t => t.includes('input='))) ?? {{}}).length > 0"
    )
    assert pixels_of(cnn, "Maps of conv1") != before
    cnn.get_by_role("button", name="Clear drawing").click()
    cnn.get_by_text("Test example 1").first.wait_for()
    cnn.get_by_role("application").focus()
    for key in ["Space", *["ArrowDown"] * 8, "Space"]:
        cnn.keyboard.press(key)
    cnn.get_by_text("Your drawing: the network says").wait_for()
    cnn.keyboard.press("Delete")
    cnn.get_by_text("Test example 1").first.wait_for()


def test_a_chosen_test_example_becomes_the_current_one_and_its_class_is_marked(cnn: Any) -> None:
    """Choosing from the grid, and the tick at the true class."""
    cnn.get_by_role("button", name="Test example 3:").click()
    cnn.get_by_text("Test example 3: it is").wait_for()
    truth = cnn.evaluate(f"{RUN}.picture('examples?count=24&split=test&start=0').labels.data[2]")
    marked = cnn.locator(".output li", has_text="true class").inner_text()
    assert marked.strip().startswith(str(truth))


def test_a_map_can_be_looked_at_closely_with_pointer_and_keys(cnn: Any) -> None:
    """The sheet shows the map, with its smallest and largest value."""
    maps = cnn.get_by_role("slider", name="Maps of conv1", exact=True)
    maps.hover()
    cnn.get_by_role("heading", name="conv1, map").wait_for()
    cnn.mouse.move(5, 5)
    maps.focus()
    cnn.keyboard.press("End")
    cnn.get_by_role("heading", name="conv1, map 6 of 6").wait_for()
    assert "to" in cnn.locator(".line.number").inner_text()


def test_a_layer_is_changed_by_its_form_and_what_does_not_fit_is_said_at_the_node(cnn: Any) -> None:
    """Eight filters work; forty pixels of kernel do not, and the sentence names the node."""
    cnn.get_by_role("button", name="Conv2d conv1").click()
    form = cnn.get_by_role("region", name="Settings of conv1")
    field = form.get_by_label("out channels")
    field.fill("8")
    field.press("Enter")
    cnn.wait_for_function(f"{RUN}.report.shapes.conv1[0][0] === 8")
    kernel = form.get_by_label("kernel size")
    kernel.fill("40")
    kernel.press("Enter")
    sentence = form.get_by_role("alert")
    sentence.wait_for()
    assert "40" in sentence.inner_text()
    assert "conv1" in cnn.locator(".block.troubled").inner_text()
    assert cnn.evaluate(f"{RUN}.spec.graph.nodes.find(n => n.id === 'conv1').params.kernel_size") == 5


def test_a_layer_is_added_and_taken_out_again(cnn: Any) -> None:
    """Batch norm behind the first convolution, and away with it."""
    cnn.get_by_role("button", name="Conv2d conv1").click()
    form = cnn.get_by_role("region", name="Settings of conv1")
    form.get_by_label("Add a layer behind it").select_option("BatchNorm2d")
    form.get_by_role("button", name="Add", exact=True).click()
    cnn.get_by_role("button", name="BatchNorm2d batchnorm2d1").wait_for()
    cnn.get_by_role("region", name="Settings of batchnorm2d1").get_by_role("button", name="Remove layer").click()
    cnn.get_by_role("button", name="BatchNorm2d batchnorm2d1").wait_for(state="detached")
