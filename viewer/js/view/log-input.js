/** What the reader does to the list: scrolling, clicking, selecting, keys. Tells the view, and undoes itself. */

import { messagesOf } from "../lib/copy-text.js";
import { LogKeys } from "./log-keys.js";

/**
 * @param {HTMLElement} scroller
 * @param {HTMLElement} list
 * @param {object} view a `LogView`
 * @returns {() => void} stops listening
 */
export function listenTo(scroller, list, view) {
  const undo = [];
  const on = (target, name, listener, options) => {
    target.addEventListener(name, listener, options);
    undo.push(() => target.removeEventListener(name, listener, options));
  };
  on(scroller, "scroll", () => view.scrolledTo(scroller.scrollTop), { passive: true });
  // Told before the list has moved: a flush in between would pull the reader back to the end.
  on(scroller, "wheel", (event) => event.deltaY < 0 && view.leaveEnd(), { passive: true });
  on(list, "click", (event) => onClick(event, view));
  on(document, "selectionchange", () => onSelection(list, view));
  on(list, "copy", (event) => onCopy(event, view));
  const keys = new LogKeys(view);
  on(scroller, "keydown", (event) => keys.onKey(event));
  const observer = new ResizeObserver(() => view.resized());
  observer.observe(scroller);
  undo.push(() => observer.disconnect());
  return () => undo.forEach((stop) => stop());
}

function onClick(event, view) {
  const row = view.rowAt(event.target);
  if (!row || event.target.closest(".log-details")) return;
  if (event.target.closest(".log-number")) {
    view.onPoint(row.entry, event.shiftKey);
    return;
  }
  if (!document.getSelection().isCollapsed) return;
  view.activeId = row.entry.id;
  view.toggle(row.entry.id);
}

/** Whoever selects text wants it to stay where it is. A click elsewhere, as on a menu, leaves what was selected. */
function onSelection(list, view) {
  const selection = document.getSelection();
  if (!list.contains(selection.anchorNode)) return;
  view.select(selection.isCollapsed ? null : selection);
}

/** Several rows are copied as what was logged, without numbers and times; a part of one row as it is. */
function onCopy(event, view) {
  if (view.selected.length < 2) return;
  event.clipboardData.setData("text/plain", messagesOf(view.selected));
  event.preventDefault();
}
