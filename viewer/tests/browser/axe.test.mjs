/** axe finds nothing, on any page, in either theme. Variables as for features.test.mjs. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { needed, openPage, settled } from "../support/page.mjs";

const JOB = needed("QUAERO_JOB");
const AXE = readFileSync(new URL("../../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** Name, address, what tells that it is there; a key or a click before it is looked at, and what comes of that. */
const PAGES = [
  ["jobs", "#/", ".jobs-row", (page) => page.locator(".opener").first().click(), ".preview-message"],
  ["job", `#/job/${JOB}`, ".main .log-row", (page) => page.locator(".step-opener").first().click(), ".worker"],
  ["timeline", `#/job/${JOB}?tab=timeline`, ".gantt-bar"],
  ["errors", `#/job/${JOB}?tab=errors`, ".group"],
  ["details", `#/job/${JOB}?tab=details`, ".pairs dd"],
  ["definitions", "#/definitions?open=nightly-import", ".dag-box"],
  ["documents", "#/documents", ".document"],
  ["document", "#/document/1", ".article-text p"],
  ["service", "#/service", ".main .log-row", (page) => page.locator(".panel-toggle").click(), ".panel .log-row"],
  ["start", "#/", ".jobs-row", (page) => page.keyboard.press("s"), ".start-choice"],
  ["palette", "#/", ".jobs-row", (page) => page.keyboard.press("Control+k"), ".palette-item"],
  ["keys", "#/", ".jobs-row", (page) => page.keyboard.press("?"), "dialog.help"],
  ["token", "#/", "#token"],
];

for (const [name, fragment, ready, act, comes = ready] of PAGES) {
  test(name, async () => {
    const { page, close } = await openPage({ fragment, colorScheme: "light", ...(name === "token" ? { token: null } : {}) });
    await page.locator(ready).first().waitFor();
    await act?.(page);
    await page.locator(comes).first().waitFor();
    await page.evaluate(AXE);
    assert.deepEqual(await violations(page), []);
    // A theme changes colours and nothing else.
    await page.emulateMedia({ colorScheme: "dark" });
    assert.deepEqual(await violations(page, { runOnly: ["color-contrast"] }), []);
    await close();
  });
}

/** What axe finds on the page as it is now. */
async function violations(page, options = {}) {
  await settled(page);
  const found = await page.evaluate((asked) => globalThis.axe.run(asked), options);
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join("\n    ")}`);
}
