/** Which items of the palette fit a few letters, the best first. Pure. */

/** @param {Array<{label: string, about: string}>} items @param {string} text @returns those that fit, in order */
export function rankItems(items, text) {
  const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return items;
  return items
    .map((item, at) => ({ item, at, score: scoreOf(item, words) }))
    .filter(({ score }) => score > 0)
    .sort((one, other) => other.score - one.score || one.at - other.at)
    .map(({ item }) => item);
}

/** Every word must occur; at the beginning of the label it counts most, then of a word, then anywhere. */
function scoreOf({ label, about = "" }, words) {
  const [name, rest] = [label.toLowerCase(), about.toLowerCase()];
  let score = 0;
  for (const word of words) {
    const part = partScore(name, word) * 2 + partScore(rest, word);
    if (part === 0) return 0;
    score += part;
  }
  return score;
}

function partScore(text, word) {
  const at = text.indexOf(word);
  if (at < 0) return 0;
  if (at === 0) return 4;
  return /[\s\-_.]/.test(text[at - 1]) ? 3 : 1;
}
