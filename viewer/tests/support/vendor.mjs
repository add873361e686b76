/** Lets node find `../vendor/NAME.js`, which only the server serves: the same npm packages, from node_modules. */

import { register } from "node:module";

const hooks = `
const PACKAGES = { "alpine.js": "@alpinejs/csp/dist/module.esm.js", "eventsource-parser.js": "eventsource-parser" };
export function resolve(specifier, context, next) {
  const name = specifier.includes("/vendor/") ? specifier.split("/").at(-1) : "";
  return next(PACKAGES[name] ?? specifier, context);
}`;

register(`data:text/javascript,${encodeURIComponent(hooks)}`);
