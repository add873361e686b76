/** The README's pictures: a job that runs, in the dark theme, and the definitions, in the light one. */

import { test } from "node:test";

import { drawn, needed, openJob, openPage, shoot } from "./support/page.mjs";

test("a job", async () => {
  const { page, close } = await openJob(needed("QUAERO_JOB"), { colorScheme: "dark" });
  await page.waitForFunction(() => Number(document.querySelector(".main .log-row:last-child .log-number")?.textContent) > 100);
  await drawn(page);
  await shoot(page, "viewer");
  await close();
});

test("definitions", async () => {
  const { page, close } = await openPage({ fragment: "#/definitions?open=nightly-import", colorScheme: "light" });
  await page.locator(".dag-box").first().waitFor();
  await shoot(page, "viewer-definitions");
  await close();
});
