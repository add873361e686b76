/** The colours of css/theme.css: every text on every ground it is used on has the contrast of WCAG AA. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const CSS = readFileSync(new URL("../../css/theme.css", import.meta.url), "utf8");
const SCHEMES = { light: colours(0), dark: colours(1) };

const GROUNDS = ["ground", "panel", "raised", "hover"];
const ROW_GROUNDS = ["ground", "hover", "warn-ground", "bad-ground", "accent-ground"];
const HUES = Array.from({ length: 8 }, (_, number) => `hue-${number}`);
const ANSI = Array.from({ length: 8 }, (_, number) => `ansi-${number}`);

/** Text colour -> the grounds that it is seen on. */
const USES = {
  text: [...GROUNDS, ...ROW_GROUNDS],
  dim: [...GROUNDS, ...ROW_GROUNDS],
  faint: [...GROUNDS, ...ROW_GROUNDS],
  accent: [...GROUNDS, "accent-ground"],
  running: GROUNDS,
  good: GROUNDS,
  odd: GROUNDS,
  warn: [...GROUNDS, ...ROW_GROUNDS],
  bad: [...GROUNDS, ...ROW_GROUNDS],
  "on-accent": ["accent"],
  "on-hit": ["hit"],
  ...Object.fromEntries(ANSI.map((colour) => [colour, ROW_GROUNDS])),
  ...Object.fromEntries(HUES.map((hue) => [hue, ROW_GROUNDS])),
};

/** Every colour is written as `light-dark(#light, #dark)`. */
function colours(scheme) {
  const pairs = CSS.matchAll(/--([\w-]+):\s*light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g);
  return Object.fromEntries([...pairs].map(([, name, ...both]) => [name, both[scheme]]));
}

function luminance(hex) {
  const parts = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
  const [red, green, blue] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

for (const [scheme, colour] of Object.entries(SCHEMES)) {
  test(`everybody can read the ${scheme} theme`, () => {
    const poor = [];
    for (const [text, grounds] of Object.entries(USES)) {
      for (const ground of grounds) {
        const ratio = contrast(colour[text], colour[ground]);
        if (!(ratio >= 4.5)) poor.push(`${text} on ${ground}: ${ratio.toFixed(2)}`);
      }
    }
    assert.deepEqual(poor, []);
  });
}
