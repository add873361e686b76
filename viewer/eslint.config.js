/** What holds for every line of the viewer. The limits on length are those of the rest of quaero. */

import js from "@eslint/js";
import globals from "globals";

const TEXT_ONLY = "log text is data: use textContent or a text node";
const MARKUP = ["innerHTML", "outerHTML", "insertAdjacentHTML", "setHTMLUnsafe", "srcdoc"];

export default [
  { ignores: ["node_modules/", "vendor/"] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2024, sourceType: "module" },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      complexity: ["error", 12],
      curly: ["error", "multi-line"],
      eqeqeq: "error",
      "max-len": ["error", { code: 118 }],
      "max-lines": ["error", 300],
      "max-lines-per-function": ["error", 60],
      "no-console": "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-restricted-properties": ["error", ...MARKUP.map((property) => ({ property, message: TEXT_ONLY }))],
      "no-shadow": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
    },
  },
  {
    files: ["js/**"],
    languageOptions: { globals: globals.browser },
  },
  {
    files: ["js/lib/**"],
    ignores: ["js/lib/environment.js"],
    rules: {
      // Pure modules: what they need of a browser comes in by the environment, so that node can test them.
      "no-restricted-globals": ["error", "window", "document", "navigator", "location", "fetch", "setTimeout"],
    },
  },
  {
    // An Alpine component is one function that returns an object of many small ones.
    files: ["js/page/*.js", "js/view/*-viewer.js", "js/view/log-{find,place,share,display}.js"],
    rules: { "max-lines-per-function": ["error", 140] },
  },
  {
    files: ["tests/**", "eslint.config.js"],
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
    rules: { "max-len": ["error", { code: 145 }], "max-lines-per-function": "off", "max-lines": "off", "no-shadow": "off" },
  },
];
