/** Making elements without markup: everything is a node, so that text can be nothing but text. */

/** An element with a class and children; children are elements, text nodes or strings. */
export function element(name, className = "", ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** An element that holds one text node, and that node: setting its `data` creates nothing. */
export function textElement(name, className) {
  const text = document.createTextNode("");
  return [element(name, className, text), text];
}

/** Set a text node's data, if it is another. */
export function setText(node, text) {
  if (node.data !== text) node.data = text;
}

/** Set an element's class, if it is another. */
export function setClass(target, className) {
  if (target.className !== className) target.className = className;
}
