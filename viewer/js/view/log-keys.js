/** The log by keyboard: rows up and down, details, the ends. */

export class LogKeys {
  /** @param {import("../log-view.js").LogView} view */
  constructor(view) {
    const step = (rows) => () => view.activate(this.#start(rows) + rows);
    const page = (direction) => () => {
      const [first, last] = view.visibleRange;
      view.activate(this.#start(direction) + direction * Math.max(1, last - first));
    };
    this.view = view;
    this.actions = {
      ArrowDown: step(1),
      j: step(1),
      ArrowUp: step(-1),
      k: step(-1),
      PageDown: page(1),
      PageUp: page(-1),
      Home: () => view.activate(0),
      g: () => view.activate(0),
      End: () => view.jumpToLatest(),
      G: () => view.jumpToLatest(),
      m: () => this.#point(false),
      M: () => this.#point(true),
      Enter: () => view.activeId !== null && view.toggle(view.activeId),
    };
  }

  /** Act on a key, if it is one of ours. */
  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== event.currentTarget) return;
    const action = this.actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  #point(extend) {
    const entry = this.view.source.logs[this.view.activeIndex];
    if (entry) this.view.onPoint(entry, extend);
  }

  /** Where moving begins: at the active row, else at the edge of what is in sight. */
  #start(direction) {
    const { activeIndex, visibleRange } = this.view;
    if (activeIndex >= 0) return activeIndex;
    return direction > 0 ? visibleRange[0] - 1 : visibleRange[1] + 1;
  }
}
