/** Steps that depend on each other as boxes in columns, with the lines between them. Pure; drawn by view/dag.js. */

const BOX = { width: 168, height: 44 };
const GAP = { x: 56, y: 16 };
const MARGIN = 8;

/**
 * @param {Array<{name: string, type: string, depends: string[]}>} steps of a definition: no cycle
 * @returns {{width: number, height: number, boxes: object[], lines: string[]}} `lines` are paths of SVG
 */
export function layoutDag(steps) {
  const byName = new Map(steps.map((step) => [step.name, step]));
  const depths = new Map();
  const depthOf = (name, seen = new Set()) => {
    if (depths.has(name)) return depths.get(name);
    const before = (byName.get(name)?.depends ?? []).filter((each) => byName.has(each) && !seen.has(each));
    const depth = Math.max(-1, ...before.map((each) => depthOf(each, new Set([...seen, name])))) + 1;
    depths.set(name, depth);
    return depth;
  };
  const columns = [];
  for (const step of steps) (columns[depthOf(step.name)] ??= []).push(step);
  sortColumns(columns);
  const boxes = columns.flatMap((column, x) => column.map((step, y) => boxOf(step, x, y, column.length, columns)));
  const placed = new Map(boxes.map((box) => [box.name, box]));
  const linesTo = (box) => box.depends.map((name) => placed.get(name)).filter(Boolean).map((from) => line(from, box));
  const lines = boxes.flatMap(linesTo);
  const most = Math.max(1, ...columns.map((column) => column.length));
  return {
    width: columns.length * (BOX.width + GAP.x) - GAP.x + 2 * MARGIN,
    height: most * (BOX.height + GAP.y) - GAP.y + 2 * MARGIN,
    boxes,
    lines,
  };
}

/** A step lies at the mean height of what it depends on: fewer lines cross. */
function sortColumns(columns) {
  const rank = new Map();
  columns.forEach((column, x) => {
    const mean = ({ depends }) => {
      const ranks = depends.filter((name) => rank.has(name)).map((name) => rank.get(name));
      return ranks.length > 0 ? ranks.reduce((sum, each) => sum + each, 0) / ranks.length : 0;
    };
    if (x > 0) column.sort((one, other) => mean(one) - mean(other));
    column.forEach((step, y) => rank.set(step.name, y / column.length));
  });
}

function boxOf(step, x, y, count, columns) {
  const most = Math.max(...columns.map((column) => column.length));
  const spare = ((most - count) * (BOX.height + GAP.y)) / 2;
  return {
    name: step.name,
    type: step.type,
    depends: [step.depends ?? []].flat(),
    service: Boolean(step.service),
    x: MARGIN + x * (BOX.width + GAP.x),
    y: MARGIN + spare + y * (BOX.height + GAP.y),
    ...BOX,
  };
}

function line(from, to) {
  const [x1, y1] = [from.x + from.width, from.y + from.height / 2];
  const [x2, y2] = [to.x, to.y + to.height / 2];
  const bend = (x2 - x1) / 2;
  return `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}
