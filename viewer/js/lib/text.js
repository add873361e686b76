/**
 * Log text made harmless and readable: what would be invisible, or would reorder its neighbours, is shown.
 *
 * Text goes into the page as text nodes only, so this is not about markup. It is about lines that look like
 * something else: escape sequences, carriage returns, characters that turn the direction of what follows.
 */

// eslint-disable-next-line no-control-regex -- finding control characters is the purpose
const HIDDEN = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const CONTROL_PICTURES = 0x2400;
const DELETE = 0x7f;
const DELETE_PICTURE = "␡";

/** One line: every control character is shown as a picture (`␛`, `␊`), every invisible one as `‹U+202E›`. */
export function visibleLine(text) {
  return text.replace(HIDDEN, picture);
}

/** Several lines: as `visibleLine`, but a line break stays one. */
export function visibleLines(text) {
  return text.replace(HIDDEN, (character) => (character === "\n" ? "\n" : picture(character)));
}

function picture(character) {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(CONTROL_PICTURES + code);
  if (code === DELETE) return DELETE_PICTURE;
  return `‹U+${code.toString(16).toUpperCase().padStart(4, "0")}›`;
}

/** A field's value in one line: text as it is, anything else as JSON. */
export function fieldText(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Fields in one line: `status=200 url="a b"`; values with blanks are quoted, so that pairs stay apart. */
export function fieldsLine(fields, longest = 400) {
  if (!fields) return "";
  let line = "";
  for (const [name, value] of Object.entries(fields)) {
    line += `${line ? "  " : ""}${name}=${quoted(fieldText(value))}`;
    if (line.length > longest) return visibleLine(`${line.slice(0, longest)}…`);
  }
  return visibleLine(line);
}

function quoted(text) {
  return text === "" || /[\s"=]/.test(text) ? JSON.stringify(text) : text;
}
