"""Every preset as a person sees it: three widths, light and dark."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.spec import presets

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = {1280: 800, 820: 1180, 375: 812}
FETCHED = {"cifar10"}  # not part of the package
EVERYTHING = {(1280, "light"), (375, "dark")}
COLOURS = ["color-contrast"]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# Boxes of visible texts and controls, cut by what scrolls or hides; pairs that overlap by more than a hair.
COLLISIONS = """() => {
  const HAIR = 1.5;
  const CONTROLS = 'button, a[href], input, select, textarea, summary, [role=slider], [role=switch], [role=button]';
  const visible = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.display === 'none' || style.visibility !== 'visible' || +style.opacity === 0) return false;
      if (style.clipPath !== 'none' || at.matches('canvas, option, title, script, style')) return false;
      if (at.matches('details:not([open]) > :not(summary)')) return false;
    }
    return true;
  };
  const cut = (box, element) => {
    let { left, top, right, bottom } = box;
    for (let at = element; at && at !== document.body; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.overflowX === 'visible' && style.overflowY === 'visible') continue;
      const frame = at.getBoundingClientRect();
      [left, right] = [Math.max(left, frame.left), Math.min(right, frame.right)];
      [top, bottom] = [Math.max(top, frame.top), Math.min(bottom, frame.bottom)];
    }
    return { left, top, right, bottom };
  };
  const things = [];
  const add = (element, box, name) => {
    const seen = cut(box, element);
    if (seen.right - seen.left > HAIR && seen.bottom - seen.top > HAIR) things.push({ element, name, ...seen });
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const text = node.textContent.trim();
    if (!text || !node.parentElement || !visible(node.parentElement)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) add(node.parentElement, box, 'text "' + text.slice(0, 40) + '"');
  }
  for (const control of document.querySelectorAll(CONTROLS)) {
    const label = control.getAttribute('aria-label') || control.textContent.trim();
    if (visible(control)) {
      add(control, control.getBoundingClientRect(), control.tagName.toLowerCase() + ' "' + label.slice(0, 40) + '"');
    }
  }
  const found = [];
  things.sort((a, b) => a.top - b.top);
  things.forEach((a, i) => {
    for (let j = i + 1; j < things.length && things[j].top < a.bottom - HAIR; j++) {
      const b = things[j];
      if (a.element.contains(b.element) || b.element.contains(a.element)) continue;
      const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (width <= HAIR || height <= HAIR) continue;
      found.push(`${a.name} meets ${b.name} by ${Math.round(width)} x ${Math.round(height)}`);
    }
  });
  return found;
}"""


def axe_violations(page: Any, rules: list[str] | None = None) -> list[str]:
    """What axe finds, one line each; all rules by default."""
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    options = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": TAGS}
    result = page.evaluate("only => axe.run(document, { runOnly: only, resultTypes: ['violations'] })", options)
    assert len(result["passes"]) > (0 if rules else 15), "axe saw an empty page"
    return [
        f"{found['id']} at {[node['target'] for node in found['nodes']][:3]}: "
        f"{found['nodes'][0]['failureSummary'][:240]}"
        for found in result["violations"]
    ]


SETTLED = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  for (let i = 0; i < 3; i++) {
    await frame();
    const finite = document.getAnimations().filter((motion) => motion.effect?.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(finite.map((motion) => motion.finished));
  }
  await frame();
}"""


def settle(page: Any) -> None:
    """Layout, observers and pictures have followed, and every colour has arrived."""
    page.evaluate(SETTLED)


def findings(page: Any, width: int) -> list[str]:
    """What is wrong at one width, in light and in dark. Boxes do not depend on colours, so they are measured once."""
    page.set_viewport_size({"width": width, "height": WIDTHS[width]})
    wrong = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        settle(page)
        whole = (width, scheme) in EVERYTHING
        wrong += [f"{width} px, {scheme}: {found}" for found in axe_violations(page, None if whole else COLOURS)]
    wrong += [f"{width} px: {found}" for found in page.evaluate(COLLISIONS)]
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return wrong + ([f"{width} px: {wide} px wider than the screen"] if wide > 0 else [])


@pytest.mark.parametrize("preset", [preset.id for preset in presets if preset.spec.data.kind not in FETCHED])
def test_every_preset_is_clean_at_every_width_in_light_and_dark(opened: Callable[[str], Any], preset: str) -> None:
    """No finding of axe, no two texts or controls in one place, no sideways scrolling."""
    page = opened(f"/#preset={preset}")
    page.wait_for_selector("main canvas")
    assert [found for width in WIDTHS for found in findings(page, width)] == []


@pytest.mark.parametrize("preset", [preset.id for preset in presets if preset.spec.data.kind in FETCHED])
def test_a_preset_whose_data_are_not_here_says_so_and_is_clean(page: Any, server: str, preset: str) -> None:
    """A sentence instead of a network; the refused request itself is a line in the console."""
    page.goto(f"{server}/#preset={preset}")
    page.get_by_text("data_batch_1.bin").first.wait_for()
    assert [found for width in WIDTHS for found in findings(page, width)] == []
