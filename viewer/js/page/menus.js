/** Menus are `details` elements: a click elsewhere, or Escape, closes them. */

/** Listen for as long as the page lives. */
export function closeMenus() {
  const open = () => document.querySelectorAll("details.menu[open]");
  addEventListener("click", ({ target }) => {
    for (const menu of open()) if (!menu.contains(target) || target.closest("[data-closes]")) menu.open = false;
  });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of open()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}
