/** A definition's parameters as fields of a form, and the fields as the body of the request. Pure. */

const LIST_HINT = "One item a line";

/** @returns {object[]} fields: `kind` is `check`, `select`, `lines`, `number`, `secret` or `text` */
export function fieldsOf(definition) {
  return (definition.parameters ?? []).map((parameter) => ({
    name: parameter.name,
    type: parameter.type,
    kind: kindOf(parameter),
    required: Boolean(parameter.required),
    description: parameter.description ?? "",
    choices: (parameter.choices ?? []).map(String),
    step: parameter.type === "int" ? "1" : "any",
    min: parameter.min ?? null,
    max: parameter.max ?? null,
    hint: parameter.type === "list" ? LIST_HINT : "",
    text: textOf(parameter),
    checked: parameter.default === true,
    given: parameter,
  }));
}

/**
 * What is sent: the values that differ from the defaults, in their types. What was left empty is left out, so that
 * the default, or the server's word on what is missing, applies.
 *
 * @throws {TypeError} with the field's name on a number that is none
 */
export function bodyOf(fields) {
  const body = {};
  for (const field of fields) {
    const value = valueOf(field);
    if (value !== undefined) body[field.name] = value;
  }
  return body;
}

function valueOf(field) {
  if (field.kind === "check") return field.checked === (field.given.default === true) ? undefined : field.checked;
  if (field.text === textOf(field.given)) return undefined;
  if (field.type === "list") return field.text.split("\n").map((line) => line.trim()).filter(Boolean);
  if (field.text.trim() === "" && field.type !== "string") return undefined;
  if (field.kind === "select") return field.given.choices.find((choice) => String(choice) === field.text);
  return field.kind === "number" ? numberOf(field) : field.text;
}

function numberOf(field) {
  const number = Number(field.text);
  if (!Number.isFinite(number)) throw new TypeError(`${field.name}: ${field.text} is no number`);
  return number;
}

function kindOf({ type, choices, secret }) {
  if (type === "list") return "lines";
  if (choices?.length) return "select";
  if (secret && (type === "string" || type === "path")) return "secret";
  return { bool: "check", int: "number", float: "number" }[type] ?? "text";
}

function textOf({ default: value }) {
  if (value === null || value === undefined) return "";
  return Array.isArray(value) ? value.join("\n") : String(value);
}
