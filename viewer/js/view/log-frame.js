/** The elements that a list of entries is made of: what scrolls, what is as high as everything, and the rows. */

import { element } from "./dom.js";

/**
 * Put them into the page.
 *
 * @param {HTMLElement} container
 * @param {HTMLElement} strip lies above the first row
 */
export function buildFrame(container, strip) {
  const list = element("div", "log-rows");
  list.setAttribute("role", "list");
  const space = element("div", "log-space", strip, list);
  const scroller = element("div", "log-scroller", space);
  scroller.tabIndex = 0;
  scroller.setAttribute("x-ignore", ""); // nothing in here is Alpine's
  scroller.setAttribute("role", "group");
  scroller.setAttribute("aria-label", "Log entries");
  container.append(scroller);
  return { scroller, space, list };
}
