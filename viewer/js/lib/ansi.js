/**
 * ANSI colours of a line as spans with classes. Pure.
 *
 * What sets colours and weight (SGR) is understood; what links (OSC 8) keeps its text; what moves the cursor or
 * clears is left out. Everything else that is invisible stays for `text.js` to show. The 256 and the 16 million
 * colours become the nearest of eight: these are readable on both themes, which a program's own choice is not.
 */

/** A whole sequence: SGR and other CSI, OSC up to its end, a character set, a single character. */
const KINDS = [
  "\\[([\\d;:?]*)([ -/]*[@-~])", "\\][^\u0007\u001b]{0,2048}(?:\u0007|\u001b\\\\)", "[()][A-Z\\d]", "[=>78cDEHM]",
];
const SEQUENCE = new RegExp(`\u001b(?:${KINDS.join("|")})`, "g");

const BASIC = [
  [0, 0, 0], [205, 49, 49], [13, 188, 121], [229, 229, 16], [36, 114, 200], [188, 63, 188], [17, 168, 205],
  [229, 229, 229],
];
const STEPS = [0, 95, 135, 175, 215, 255];

/** Whether there is anything for `parseAnsi` to do. */
export function hasAnsi(text) {
  return text.includes("\u001b");
}

/** The text without its sequences. */
export function withoutAnsi(text) {
  return hasAnsi(text) ? text.replace(SEQUENCE, "") : text;
}

/** @returns {Array<{text: string, className: string}>} */
export function parseAnsi(text) {
  const spans = [];
  const style = {};
  let from = 0;
  const take = (to) => {
    if (to > from) spans.push({ text: text.slice(from, to), className: classOf(style) });
  };
  for (const found of text.matchAll(SEQUENCE)) {
    take(found.index);
    from = found.index + found[0].length;
    if (found[2] === "m") applySgr(style, found[1]);
  }
  take(text.length);
  return spans;
}

function classOf({ fg, bg, bold, dim, italic, underline, inverse }) {
  const marks = Object.entries({ bold, dim, italic, underline, inverse });
  const classes = marks.filter(([, on]) => on).map(([name]) => `ansi-${name}`);
  if (fg !== undefined) classes.push(`ansi-fg-${fg}`);
  if (bg !== undefined) classes.push(`ansi-bg-${bg}`);
  return classes.join(" ");
}

const SIMPLE = {
  1: { bold: true }, 2: { dim: true }, 3: { italic: true }, 4: { underline: true }, 7: { inverse: true },
  22: { bold: false, dim: false }, 23: { italic: false }, 24: { underline: false }, 27: { inverse: false },
  39: { fg: undefined }, 49: { bg: undefined },
};

function applySgr(style, text) {
  const codes = text.split(/[;:]/).map(Number);
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at];
    if (code === 38 || code === 48) {
      const [colour, used] = extended(codes, at + 1);
      style[code === 38 ? "fg" : "bg"] = colour;
      at += used;
    } else {
      applyOne(style, code);
    }
  }
}

function applyOne(style, code) {
  if (code === 0) for (const name of Object.keys(style)) delete style[name];
  else if (code in SIMPLE) Object.assign(style, SIMPLE[code]);
  else if (code >= 30 && code <= 37) style.fg = code - 30;
  else if (code >= 40 && code <= 47) style.bg = code - 40;
  else if (code >= 90 && code <= 97) style.fg = code - 90;
  else if (code >= 100 && code <= 107) style.bg = code - 100;
}

/** `5;N` or `2;R;G;B` behind 38 or 48: the colour, and how many codes it took. */
function extended(codes, at) {
  if (codes[at] === 5) return [indexed(codes[at + 1]), 2];
  if (codes[at] === 2) return [nearest(codes.slice(at + 1, at + 4)), 4];
  return [undefined, 1];
}

function indexed(index) {
  if (!(index >= 0 && index <= 255)) return undefined;
  if (index < 16) return index % 8;
  if (index >= 232) return nearest(Array(3).fill((index - 232) * 10 + 8));
  const place = index - 16;
  return nearest([STEPS[Math.floor(place / 36)], STEPS[Math.floor(place / 6) % 6], STEPS[place % 6]]);
}

function nearest(rgb) {
  if (rgb.length < 3 || rgb.some(Number.isNaN)) return undefined;
  const distance = (colour) => colour.reduce((sum, part, at) => sum + (part - rgb[at]) ** 2, 0);
  return BASIC.map(distance).reduce((best, value, at, all) => (value < all[best] ? at : best), 0);
}
