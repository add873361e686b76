/** The address: what it says of a view comes back as it was. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { linesText, makeFragment, parseFragment, parseLines } from "../../js/lib/routes.js";

test("views, ids, and the token that is taken out", () => {
  const facts = (fragment) => {
    const { view, id, token } = parseFragment(fragment);
    return [view, id, token];
  };
  assert.deepEqual(facts(""), ["jobs", null, null]);
  assert.deepEqual(facts("#/job/7k3q"), ["job", "7k3q", null]);
  assert.deepEqual(facts("#/document/17"), ["document", "17", null]);
  for (const view of ["service", "definitions", "documents", "workers"]) assert.deepEqual(facts(`#/${view}`), [view, null, null]);
  assert.deepEqual(facts("#t=aB-_9"), ["jobs", null, "aB-_9"]);
  for (const unknown of ["#/nothing", "#/job", "#/job/a/b", "#/service/x", "#//", "#javascript:x"]) {
    assert.equal(parseFragment(unknown).view, "jobs", unknown);
  }
  assert.equal(parseFragment("#/job/%zz").id, "%zz");
});

test("a view's state and lines survive the way through the address", () => {
  const route = { view: "job", id: "a/b?c#d", params: { level: "warn", q: "100% & #1" }, lines: { from: 1200, to: 1210 } };
  const fragment = makeFragment(route);
  assert.ok(fragment.endsWith("#L1200-1210"), fragment);
  assert.deepEqual(parseFragment(fragment), { ...route, token: null });
  assert.equal(makeFragment({ view: "jobs", params: { status: "", q: null } }), "#/");
});

test("lines: one, a range, the wrong way round, nonsense", () => {
  assert.deepEqual(parseLines("L7"), { from: 7, to: 7 });
  assert.deepEqual(parseLines("L9-L7"), { from: 7, to: 9 });
  for (const text of ["", undefined, "L0", "Lx", "L1-", "L1-2-3", "L99999999999999999"]) assert.equal(parseLines(text), null, text);
  assert.equal(linesText({ from: 7, to: 7 }), "#L7");
  assert.equal(linesText(null), "");
});
