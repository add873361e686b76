/** Draws a definition's steps as a graph (SVG): see lib/dag-layout.js. */

import { layoutDag } from "../lib/dag-layout.js";

const SVG = "http://www.w3.org/2000/svg";
const LONGEST_NAME = 22;

/** @param {HTMLElement} place takes the drawing @param {object[]} steps of a definition */
export function drawDag(place, steps) {
  if (steps.length === 0) {
    place.replaceChildren(); // of a file that does not load nothing is known
    return;
  }
  const { width, height, boxes, lines } = layoutDag(steps);
  const drawing = node("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", class: "dag" });
  drawing.append(titled(words(steps)));
  for (const path of lines) drawing.append(node("path", { d: path, class: "dag-line" }));
  for (const box of boxes) drawing.append(boxNode(box));
  place.replaceChildren(drawing);
}

function boxNode({ name, type, service, x, y, width, height }) {
  const group = node("g", { transform: `translate(${x} ${y})`, class: service ? "dag-box is-service" : "dag-box" });
  const short = name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name;
  group.append(
    titled(`${name} (${type})`),
    node("rect", { width, height, rx: 7 }),
    texted("dag-name", 12, 18, short),
    texted("dag-type", 12, 34, service ? `${type}, service` : type),
  );
  return group;
}

function words(steps) {
  const said = steps.map(({ name, depends }) => (depends?.length ? `${name} after ${depends.join(" and ")}` : name));
  return `Steps: ${said.join("; ")}`;
}

function node(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

function titled(text) {
  const title = node("title", {});
  title.textContent = text;
  return title;
}

function texted(className, x, y, text) {
  const made = node("text", { class: className, x, y });
  made.textContent = text;
  return made;
}
