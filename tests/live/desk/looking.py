"""What a page is asked about its looks, and what is seen of it."""

from __future__ import annotations

import cv2
import numpy as np
from playwright.async_api import Page

CONTRASTS = """() => {
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const over = ([r, g, b, a = 1], below) => (
    [r, g, b].map((one, at) => one * a + below[at] * (1 - a)));
  const linear = (value) => (value / 255 <= 0.04045
    ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = (element) => {
    const below = element.parentElement ? ground(element.parentElement) : [0, 0, 0];
    return over(numbers(getComputedStyle(element).backgroundColor), below);
  };
  const found = [];
  const look = (element, text) => {
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return;
    const fill = element.closest(".fader .bar")?.querySelector(".fill");
    const behind = [ground(element)];
    if (fill) behind.push(numbers(getComputedStyle(fill).backgroundColor));
    const ink = numbers(getComputedStyle(element).color);
    for (const one of behind) {
      const [dark, bright] = [light(over(ink, one)), light(one)].sort((a, b) => a - b);
      found.push([Number(((bright + 0.05) / (dark + 0.05)).toFixed(2)), text.trim()]);
    }
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const { parentElement, textContent } = walk.currentNode;
    if (textContent.trim()) look(parentElement, textContent);
  }
  const fields = document.querySelectorAll("input:not([type=range], [type=color]), textarea");
  for (const field of fields) look(field, field.value || field.placeholder);
  return found.sort(([one], [other]) => one - other);
}"""
"""[contrast, text] of every text that is seen (WCAG 2.2), the worst first; of those on a fader
also over its filled part."""

TOUCHED = """() => [...document.querySelectorAll(
  "button, input:not([type=range]), .fader .bar, textarea, a")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }))
  .map((one) => {
    const { width, height } = one.getBoundingClientRect();
    return [width, height, one.outerHTML.slice(0, 90)];
  })"""
"""[width, height, what] of everything that a finger meets, CSS pixels."""

PLACES = """() => [...document.querySelectorAll(
  "button, .bar, input, h2, figure, #top *, main > *")]
  .filter((one) => !one.closest("#cue-list, #facts, #stages, #health, #novelty-meter"))
  .map((one, at) => {
    const { x, y, width, height } = one.getBoundingClientRect();
    return [at, one.tagName, one.id, x, y, width, height].join(" ");
  })"""
"""Of everything that is not a list or a bar of figures."""

TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter((one) => one.checkVisibility())
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5)
  .map((one) => one.outerHTML.slice(0, 80))"""
"""What reaches out of the screen."""

CANVASES = """() => [...document.querySelectorAll("canvas, [type=color]")].map((one) => {
  const { x, y, width, height } = one.getBoundingClientRect();
  return [x, y, width, height].map(Math.round);
})"""


async def light_of(page: Page) -> tuple[float, float]:
    """Of the page without its pictures: mean luminance, and the share of bright pixels."""
    shot = cv2.imdecode(np.frombuffer(await page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    assert shot is not None
    seen = np.ones(shot.shape[:2], bool)
    for x, y, width, height in await page.evaluate(CANVASES):
        seen[max(y, 0) : y + height, max(x, 0) : x + width] = False
    value = shot[seen].astype(np.float64) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    luminance = linear @ (0.0722, 0.7152, 0.2126)
    return float(luminance.mean()), float((luminance > 0.5).mean())
