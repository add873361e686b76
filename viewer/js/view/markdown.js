/**
 * Markdown of an article as elements. Only what articles have: headings, paragraphs, lists, tables, quotes, code,
 * emphasis, links. Anything else, markup of the page it came from included, is text. No image is loaded: it would
 * tell another host who reads.
 */

import { element } from "./dom.js";

/** The line below a table's head. */
const RULE = /^\|(?:\s*:?-+:?\s*\|)+\s*$/;
const FENCE = "\x60".repeat(3);
const INLINE = /\*\*(.+?)\*\*|\*(.+?)\*|\x60([^\x60]+)\x60|!?\[([^\]]*)\]\(([^)\s]+)[^)]*\)/g;

/** @param {HTMLElement} place takes the article @param {string} text Markdown */
export function renderMarkdown(place, text) {
  place.replaceChildren(...blocksOf(text).map(blockElement));
}

function blocksOf(text) {
  const blocks = [];
  let code = null;
  for (const line of text.split("\n")) {
    if (line.startsWith(FENCE)) {
      if (code) blocks.push(code);
      code = code ? null : { kind: "code", lines: [] };
    } else if (code) {
      code.lines.push(line);
    } else {
      takeLine(blocks, line);
    }
  }
  if (code) blocks.push(code);
  return blocks.filter(({ lines }) => lines.length > 0);
}

function takeLine(blocks, line) {
  const [kind, content] = kindOf(line);
  const last = blocks.at(-1);
  if (kind === "blank") blocks.push({ kind: "blank", lines: [] });
  else if (last?.kind === kind && !kind.startsWith("h")) last.lines.push(content);
  else blocks.push({ kind, lines: [content] });
}

function kindOf(line) {
  if (line.trim() === "") return ["blank", ""];
  const [, marks, heading] = /^(#{1,6})\s+(.*)$/.exec(line) ?? [];
  if (marks) return [`h${Math.min(6, marks.length + 1)}`, heading];
  const [, item] = /^\s*[-*+]\s+(.*)$/.exec(line) ?? [];
  if (item !== undefined) return ["ul", item];
  const [, numbered] = /^\s*\d+[.)]\s+(.*)$/.exec(line) ?? [];
  if (numbered !== undefined) return ["ol", numbered];
  const [, quoted] = /^>\s?(.*)$/.exec(line) ?? [];
  if (quoted !== undefined) return ["blockquote", quoted];
  if (line.startsWith("|")) return ["table", line];
  return ["p", line];
}

function blockElement({ kind, lines }) {
  if (kind === "code") return element("pre", "", lines.join("\n"));
  if (["ul", "ol"].includes(kind)) return element(kind, "", ...lines.map(listItem));
  if (kind === "table") return table(lines);
  return element(kind, "", ...inline(lines.join(" ")));
}

function listItem(line) {
  return element("li", "", ...inline(line));
}

/** Rows of cells. A row above a rule is a head; one whose first cell alone says something speaks for all columns. */
function table(lines) {
  const rows = [];
  for (const line of lines) {
    if (RULE.test(line)) rows.at(-1)?.forEach((cell) => (cell.name = "th"));
    else rows.push(cellsOf(line));
  }
  const made = rows.map((cells) => element("tr", "", ...shared(cells).map(cellElement)));
  return element("div", "article-table", element("table", "", ...made));
}

function cellsOf(line) {
  const inner = line.trim().replace(/^\||\|$/g, "");
  return inner.split(/(?<!\\)\|/).map((text) => ({ name: "td", text: text.trim().replaceAll("\\|", "|") }));
}

function shared(cells) {
  const alone = cells.length > 1 && cells.slice(1).every(({ text }) => text === "");
  return alone ? [{ ...cells[0], span: cells.length }] : cells;
}

function cellElement({ name, text, span }) {
  const made = element(name, "", ...inline(text));
  if (span) made.colSpan = span;
  return made;
}

function inline(text) {
  const nodes = [];
  let from = 0;
  for (const found of text.matchAll(INLINE)) {
    nodes.push(text.slice(from, found.index), inlineElement(found));
    from = found.index + found[0].length;
  }
  nodes.push(text.slice(from));
  return nodes.filter((node) => node !== "");
}

function inlineElement([whole, bold, italic, code, label, target]) {
  if (bold) return element("strong", "", bold);
  if (italic) return element("em", "", italic);
  if (code) return element("code", "", code);
  if (whole.startsWith("!") || !/^https?:\/\//.test(target)) return label;
  const link = element("a", "", label || target);
  link.href = target;
  link.rel = "noopener noreferrer";
  link.target = "_blank";
  return link;
}
