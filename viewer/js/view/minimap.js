/**
 * The stripe beside the log: where in the whole job warnings and errors lie, and where the reader is. Drawn on a
 * canvas; a click goes there. It shows nothing that keys cannot reach (`e` and `E` go from error to error).
 */

import { callApi } from "./server.js";

/** A stripe for each two pixels. */
const PIXELS_A_PART = 2;
/** The server looks at the whole job for it: not more often than this, however fast the job logs. */
const RENEW_MS = 5000;

export class Minimap {
  #canvas;
  #jobId;
  #map = null;
  #asked = 0;
  #lines = 0; // of the job when the map was made

  /** `onLine(line)` is told of a click. */
  constructor(canvas, jobId, onLine) {
    this.#canvas = canvas;
    this.#jobId = jobId;
    canvas.addEventListener("click", (event) => {
      if (!this.#map?.lines) return;
      const share = event.offsetY / canvas.clientHeight;
      onLine(Math.max(1, Math.min(this.#map.lines, Math.ceil(share * this.#map.lines))));
    });
  }

  /** Show the job with so many lines, and the reader at the lines `from` to `to`. */
  show(total, from, to) {
    const due = Date.now() - this.#asked >= RENEW_MS && !document.hidden;
    if (total && total !== this.#lines && due) this.#renew(total);
    this.#draw(from, to);
  }

  async #renew(total) {
    this.#asked = Date.now();
    this.#lines = total;
    const parts = Math.min(1000, Math.max(1, Math.floor(this.#canvas.clientHeight / PIXELS_A_PART)));
    try {
      this.#map = await callApi(`jobs/${encodeURIComponent(this.#jobId)}/map?parts=${parts}`);
    } catch {
      this.#lines = 0; // asked again with the next look
    }
  }

  #draw(from, to) {
    if (!this.#map) return; // asking for its size would lay out a page half made
    const canvas = this.#canvas;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!height) return;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    const colour = getComputedStyle(canvas);
    context.clearRect(0, 0, width, height);
    if (!this.#map?.lines) return;
    this.#stripes(context, this.#map.warnings, colour.getPropertyValue("--map-warn"), width, height);
    this.#stripes(context, this.#map.errors, colour.getPropertyValue("--map-error"), width, height);
    const scale = height / Math.max(this.#map.lines, to);
    context.strokeStyle = colour.getPropertyValue("--map-reader");
    context.lineWidth = 1.5;
    context.strokeRect(1, (from - 1) * scale + 0.5, width - 2, Math.max(5, (to - from + 1) * scale) - 1);
  }

  #stripes(context, counts, colour, width, height) {
    context.fillStyle = colour;
    const part = height / counts.length;
    const most = Math.max(...counts);
    counts.forEach((count, at) => {
      if (count === 0) return;
      const share = 0.35 + 0.65 * (count / most);
      context.fillRect(width * (1 - share), at * part, width * share, Math.max(PIXELS_A_PART, part));
    });
  }
}
