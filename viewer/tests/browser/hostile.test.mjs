/** Every page over a store full of attacks: nothing runs, nothing is loaded, no report of the content policy. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { api, drawn, needed, openPage, settled, URL_ } from "../support/page.mjs";

const JOB = needed("QUAERO_JOB");

/** Address, what is there when it is there, what is done then. */
const VISITS = [
  ["#/", ".jobs-row", async (page) => page.locator(".opener").first().click()],
  [`#/job/${JOB}?level=debug`, ".main .log-row", unfoldRows],
  [`#/job/${JOB}?tab=timeline`, ".gantt-bar"],
  [`#/job/${JOB}?tab=errors`, ".group"],
  [`#/job/${JOB}?tab=details`, ".pairs dt"],
  ["#/definitions?open=evil", ".dag-box"],
  ["#/documents", ".document"],
  ["#/", ".jobs-row", (page) => page.keyboard.press("s")],
  ["#/", ".jobs-row", (page) => page.keyboard.press("Control+k")],
  ["#/service", ".main .log-row"],
  ["#/job/%3Cimg%20src%3Dx%20onerror%3DglobalThis.pwned%3D1%3E?q=%3Cscript%3E&step=%3Cb%3E", ".main .blank:visible, .main .notice:visible"],
];

async function unfoldRows(page) {
  await page.locator(".step-opener").first().waitFor();
  for (const opener of await page.locator(".step-opener").all()) await opener.click();
  const scroller = page.locator(".main .log-scroller");
  for (let more = true; more; ) {
    const rows = page.locator(".main .log-row:not(.is-open) .log-message");
    if ((await rows.count()) > 0) await rows.first().click();
    await drawn(page);
    more = await scroller.evaluate((list) => {
      const top = list.scrollTop;
      list.scrollTop = top - 160;
      return list.scrollTop < top;
    });
  }
  await page.keyboard.press("w");
}

/**
 * Wait until whatever stands in the page has had its turn: a picture that is not there was put in after everything
 * else, and the browser has told that it is missing.
 */
async function hadItsTurn(page) {
  await settled(page);
  await page.evaluate(() => new Promise((resolve) => {
    const picture = document.body.appendChild(document.createElement("img"));
    picture.addEventListener("error", resolve);
    picture.src = "/static/img/none.png";
  }));
  await drawn(page);
}

test("nothing that is logged, named or collected is ever more than text", async () => {
  const { page, wrong, close } = await openPage();
  const visit = async (fragment, ready, act) => {
    await page.goto("about:blank");
    await page.goto(`${URL_}/${fragment}`);
    await page.locator(ready).first().waitFor();
    await act?.(page);
    await hadItsTurn(page);
    assert.equal(await page.evaluate(() => globalThis.pwned), undefined, fragment);
  };
  for (const [fragment, ready, act] of VISITS) await visit(fragment, ready, act);
  const { documents } = await api("documents?limit=40");
  for (const { id } of documents) await visit(`#/document/${id}`, ".article h1");
  const links = await page.locator("a").evaluateAll((all) => all.map((link) => link.protocol));
  assert.ok(links.every((protocol) => protocol.startsWith("http")), String(links));
  const expected = /404|400|Failed to load resource/; // of the job that does not exist
  assert.deepEqual(wrong.filter((line) => !expected.test(line)), []);
  await close();
});
