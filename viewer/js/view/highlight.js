/** Shows where a text occurs in the rows, by the browser's own highlights: the rows' nodes stay as they are. */

const NAME = "quaero-search";

/**
 * @param {object[]} rows whose messages are looked at
 * @param {string} text in any case; empty: nothing
 */
export function highlight(rows, text) {
  const highlights = globalThis.CSS?.highlights;
  if (!highlights) return; // an older browser shows hits by the active row alone
  if (!text) {
    highlights.delete(NAME);
    return;
  }
  const wanted = text.toLowerCase();
  const ranges = rows.flatMap((row) => rangesIn(row.message, wanted));
  highlights.set(NAME, new Highlight(...ranges));
}

function rangesIn(element, wanted) {
  const nodes = textNodes(element);
  const whole = nodes.map((node) => node.data).join("").toLowerCase();
  const ranges = [];
  for (let at = whole.indexOf(wanted); at >= 0; at = whole.indexOf(wanted, at + wanted.length)) {
    const range = document.createRange();
    range.setStart(...placeOf(nodes, at));
    range.setEnd(...placeOf(nodes, at + wanted.length));
    ranges.push(range);
  }
  return ranges;
}

function textNodes(element) {
  return [...element.childNodes].flatMap((node) => (node.nodeType === Node.TEXT_NODE ? [node] : textNodes(node)));
}

function placeOf(nodes, at) {
  let rest = at;
  for (const node of nodes) {
    if (rest <= node.length) return [node, rest];
    rest -= node.length;
  }
  const last = nodes.at(-1);
  return [last, last.length]; // lower case may be longer than the text
}
