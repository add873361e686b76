/** `<div data-include="ID">` in a template takes the content of the template with that ID: markup written once. */

/** Fill in every include, those within templates and within what is included, too. */
export function fillIncludes(root) {
  for (const place of root.querySelectorAll("[data-include]")) {
    const content = document.getElementById(place.dataset.include).content.cloneNode(true);
    fillIncludes(content);
    place.removeAttribute("data-include");
    place.append(content);
  }
  for (const template of root.querySelectorAll("template")) fillIncludes(template.content);
}
