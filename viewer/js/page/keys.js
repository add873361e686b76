/** The keyboard: which action a key asks for, told to whoever acts (`quaero-action`). */

import { currentRoute, goTo } from "./address.js";
import { Keys } from "../lib/keymap.js";

/** In these, keys write or choose. */
const WRITING = "input:not([type=checkbox]), textarea, select, [contenteditable]";

/** Tell every part of the page that something is asked for. */
export function ask(action) {
  if (action.startsWith("go:")) goTo({ view: action.slice(3) });
  else dispatchEvent(new CustomEvent("quaero-action", { detail: action }));
}

/** Listen to the keyboard for as long as the page lives. */
export function listenToKeys() {
  const keys = new Keys();
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const action = forPalette(event) ? "palette" : isCommand(event) && actionOf(keys, event);
    if (!action) return;
    event.preventDefault();
    ask(action);
  });
}

/** Works while one writes, too. */
function forPalette({ ctrlKey, metaKey, altKey, key }) {
  return (ctrlKey || metaKey) && !altKey && key.toLowerCase() === "k";
}

function isCommand({ ctrlKey, metaKey, altKey, target }) {
  return !ctrlKey && !metaKey && !altKey && !target.closest?.(WRITING) && !document.querySelector("dialog[open]");
}

function actionOf(keys, { key, timeStamp }) {
  return keys.press(key, currentRoute().view, timeStamp);
}
