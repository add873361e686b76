/**
 * Log text made harmless and readable: what would be invisible, or would reorder its neighbours, is shown.
 *
 * Text goes into the page as text nodes only, so this is not about markup. It is about lines that look like
 * something else: escape sequences, carriage returns, characters that turn the direction of what follows. They are
 * shown as the escapes that a programmer would write (`\x1b`, `\u202e`), as `quaero tail` does. Nothing that is only
 * unusual (combining marks, joiners, emoji) is touched.
 */

/** C0 but tab, DEL, C1; what turns the direction of text; separators that break a line; lone surrogates. */
const UNSAFE =
  // eslint-disable-next-line no-control-regex -- finding control characters is the purpose
  /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/gu;

const SHORT = { "\n": "\\n", "\r": "\\r" };

/** One line. */
export function visibleLine(text) {
  return text.replace(UNSAFE, escaped);
}

/** Several lines: a line break stays one. */
export function visibleLines(text) {
  return text.replace(UNSAFE, (character) => (character === "\n" ? "\n" : escaped(character)));
}

function escaped(character) {
  const code = character.charCodeAt(0);
  const digits = code.toString(16);
  return SHORT[character] ?? (code < 0x100 ? `\\x${digits.padStart(2, "0")}` : `\\u${digits.padStart(4, "0")}`);
}

/** A field's value in one line: text as it is, anything else as JSON. */
export function fieldText(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Fields in one line: `status=200  url="a b"`; what is no plain word is quoted, so that pairs stay apart. */
export function fieldsLine(fields, longest = 400) {
  if (!fields) return "";
  let line = "";
  for (const [name, value] of Object.entries(fields)) {
    line += `${line ? "  " : ""}${quoted(name)}=${quoted(value)}`;
    if (line.length > longest) return visibleLine(`${line.slice(0, longest)}…`);
  }
  return visibleLine(line);
}

function quoted(value) {
  return typeof value === "string" && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
