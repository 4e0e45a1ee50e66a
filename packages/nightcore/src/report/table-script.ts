/**
 * The script of a page: it adds a filter and sorting to the table of tenants, and the page is complete without it. It only
 * hides and moves what is there, makes its own controls with text nodes, and neither stores nor sends anything.
 */
export const TABLE_SCRIPT = `"use strict";
(() => {
  const table = document.querySelector("table.rows");
  if (table === null) return;
  const groups = [...table.tBodies];
  const make = (name, text, attributes = {}) => {
    const element = document.createElement(name);
    element.textContent = text;
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const tools = make("div", "", { class: "tools", role: "search" });
  const label = make("label", "Filter tenants, reasons, digests", { class: "hidden-label", for: "filter" });
  const filter = make("input", "", { id: "filter", type: "search", placeholder: "Filter\\u2026", autocomplete: "off" });
  const shown = make("output", "", { for: "filter" });
  tools.append(label, filter);
  let status = "";
  const apply = () => {
    const wanted = filter.value.toLowerCase();
    let count = 0;
    for (const group of groups) {
      const fits = (status === "" || group.dataset.status === status) && group.textContent.toLowerCase().includes(wanted);
      group.hidden = !fits;
      if (fits) count++;
    }
    shown.textContent = count + " of " + groups.length + " shown";
  };
  const statuses = [...new Set(groups.map((group) => group.dataset.status))];
  const buttons = ["", ...statuses].map((name) => {
    const button = make("button", name === "" ? "all" : name, { type: "button", "aria-pressed": String(name === "") });
    button.addEventListener("click", () => {
      status = name;
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      apply();
    });
    return button;
  });
  if (statuses.length > 1) tools.append(...buttons);
  tools.append(shown);
  filter.addEventListener("input", apply);
  table.parentElement.before(tools);
  apply();

  const numeric = (text) => (text === "" ? -1 : Number(text));
  const compare = { tenant: (a, b) => (a < b ? -1 : a > b ? 1 : 0), status: (a, b) => (a < b ? -1 : a > b ? 1 : 0), wall: (a, b) => numeric(a) - numeric(b) };
  for (const heading of table.querySelectorAll("th[data-key]")) {
    const key = heading.dataset.key;
    const button = make("button", heading.textContent, { type: "button" });
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      groups.sort((a, b) => (down ? -1 : 1) * compare[key](a.dataset[key] ?? "", b.dataset[key] ?? ""));
      table.append(...groups);
    });
  }
})();
`;
