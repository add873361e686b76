/** Filters -> query string. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { buildQueryParams, pageQuery, sameFilters } from "../../js/lib/query.js";

test("scope and job are always there: without them a page would show another log", () => {
  assert.equal(buildQueryParams({ scope: "job", job_id: "7k3q" }), "scope=job&job_id=7k3q");
  assert.equal(pageQuery({ scope: "job", job_id: "7k3q" }, { before: 9 }), "scope=job&job_id=7k3q&before=9");
});

test("lists are repeated, true is 1, and nothing else is invented", () => {
  const filters = { job_id: ["a", "b"], scope: "job", step: ["x", "y"], skip: true, limit: 500, level: "warn" };
  assert.equal(buildQueryParams(filters), "scope=job&job_id=a&job_id=b&step=x&step=y&level=warn&limit=500&skip=1");
});

test("empty values are left out", () => {
  const empty = { scope: "service", step: [], level: "", q: null, since: undefined, skip: false };
  assert.equal(buildQueryParams(empty), "scope=service");
  assert.equal(buildQueryParams(), "");
});

test("text is encoded", () => {
  assert.equal(buildQueryParams({ q: "a&b=c ü" }), "q=a%26b%3Dc+%C3%BC");
});

test("a misspelt filter is refused instead of left out", () => {
  assert.throws(() => buildQueryParams({ jobid: "x" }), /unknown filter jobid/);
});

test("a page keeps the filters, but not the stream's place or its permission to skip", () => {
  const filters = { scope: "job", job_id: "j", level: "debug", q: "x", limit: 100, since: "ab-1", skip: true };
  assert.equal(pageQuery(filters, { since: "ab-9", limit: 7 }), "scope=job&job_id=j&level=debug&limit=7&since=ab-9&q=x");
});

test("the same filters in another order are the same", () => {
  assert.equal(sameFilters({ level: "warn", step: "a" }, { step: ["a"], level: "warn" }), true);
  assert.equal(sameFilters({ level: "warn" }, { level: "error" }), false);
});
