// What every page has to be in every window: no wider than it, readable, with names for
// its controls. With HORDE_SHOTS, a folder, screenshots go there.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

export const WINDOWS = {
  'small phone': { width: 320, height: 568 },
  phone: { width: 390, height: 844 },
  laptop: { width: 1366, height: 768 },
  desktop: { width: 1440, height: 900 },
  wide: { width: 2560, height: 1440 },
};
export const SCHEMES = ['light', 'dark'];

const shots = process.env.HORDE_SHOTS;
if (shots) mkdirSync(shots, { recursive: true });

export async function shoot(page, name) {
  if (shots) await page.screenshot({ path: join(shots, `${name.replaceAll(' ', '-')}.png`) });
}

/** Has the page drawn in light or dark colours. */
export async function colours(page, scheme) {
  await page.emulateMedia({ colorScheme: scheme });
  await page.evaluate(
    (dark) =>
      new Promise((drawn) => {
        const look = () => (matchMedia('(prefers-color-scheme: dark)').matches === dark ? requestAnimationFrame(drawn) : requestAnimationFrame(look));
        requestAnimationFrame(look);
      }),
    scheme === 'dark',
  );
}

/** Runs check in every window with both sets of colours, or those given. */
export async function everywhere(page, check, schemes = SCHEMES) {
  for (const scheme of schemes) {
    await colours(page, scheme);
    for (const [name, size] of Object.entries(WINDOWS)) {
      await page.setViewportSize(size);
      await check(`${name} ${scheme}`);
    }
  }
}

/** Fails if the page is wider than its window, and names what sticks out. */
export async function assertFits(page, where) {
  const out = await page.evaluate(() => {
    const wide = document.scrollingElement.scrollWidth;
    if (wide <= innerWidth) return undefined;
    const culprits = [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5);
    return `${wide} px in ${innerWidth}: ${culprits.map((e) => `${e.tagName}.${e.className}`).slice(0, 6).join(', ')}`;
  });
  assert.equal(out, undefined, `${where}: too wide`);
}

/** Fails unless all of an element is in the window with nothing before it. */
export async function assertReachable(locator, where) {
  const seen = await locator.evaluate((element) => {
    const box = element.getBoundingClientRect();
    const hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return {
      inside: box.width > 0 && box.top >= -0.5 && box.left >= -0.5 && box.bottom <= innerHeight + 0.5 && box.right <= innerWidth + 0.5,
      hit: element === hit || element.contains(hit) || hit?.tagName,
      box: [box.left, box.top, box.right, box.bottom].map(Math.round).join(' '),
    };
  });
  assert.ok(seen.inside && seen.hit === true, `${where}: ${JSON.stringify(seen)}`);
}

/** Fails if a text has less contrast than WCAG 2 AA asks for: 4.5, or 3 if it is large. */
export async function assertReadable(page, where) {
  const faint = await page.evaluate(() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
    const colours = new Map();
    const rgba = (colour) => {
      if (!colours.has(colour)) colours.set(colour, drawn(colour));
      return colours.get(colour);
    };
    const drawn = (colour) => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      return [r, g, b, a / 255];
    };
    const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
    const luminance = (colour) => {
      const [r, g, b] = colour.slice(0, 3).map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const grounds = new Map([[null, [255, 255, 255, 1]]]);
    const ground = (element) => {
      if (!grounds.has(element)) {
        const own = rgba(getComputedStyle(element).backgroundColor);
        grounds.set(element, own[3] === 1 ? own : over(own, ground(element.parentElement)));
      }
      return grounds.get(element);
    };
    const found = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const element = texts.currentNode.parentElement;
      const text = texts.currentNode.data.trim();
      if (!text || !element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
      if (element.closest('.visually-hidden, .skip, :disabled, script, style, option, noscript')) continue;
      const style = getComputedStyle(element);
      const below = ground(element);
      let colour = rgba(style.color);
      for (let e = element; e; e = e.parentElement) colour = [...colour.slice(0, 3), colour[3] * Number(getComputedStyle(e).opacity)];
      const [light, dark] = [luminance(over(colour, below)), luminance(below)].sort((a, b) => b - a);
      const size = parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      const contrast = (light + 0.05) / (dark + 0.05);
      if (contrast < (large ? 3 : 4.5)) found.push(`${contrast.toFixed(2)} “${text.slice(0, 40)}” ${element.tagName}.${element.className}`);
    }
    return found;
  });
  assert.deepEqual(faint, [], `${where}: hard to read`);
}

/** Fails if a control has no name that could be read out. */
export async function assertNamed(page, where) {
  const unnamed = await page.evaluate(() =>
    [...document.querySelectorAll('button, a, input, select, textarea, summary')]
      .filter((e) => !(e.getAttribute('aria-label') || e.title || e.textContent.trim() || [...(e.labels ?? [])].some((l) => l.textContent.trim())))
      .map((e) => e.outerHTML.slice(0, 120)),
  );
  assert.deepEqual(unnamed, [], `${where}: controls without a name`);
}
