"use strict";
(() => {
  const FACETS = ["person", "cluster", "namespace", "role", "level"];
  const EVERYWHERE = "(whole cluster)";
  const form = document.getElementById("filter");
  const count = document.getElementById("count");
  const toggle = document.getElementById("theme");
  const folds = [...document.querySelectorAll("details")];
  const sections = [...document.querySelectorAll("main section")];
  const texts = (row, name) => [...row.querySelectorAll(`[data-is="${name}"]`)].flatMap((one) => one.textContent.split(", "));

  const rows = [...document.querySelectorAll("tr[data-row]")].map((row) => ({
    row,
    text: `${row.textContent} ${row.closest("section").dataset.cluster || ""}`.toLowerCase(),
    spoken: row.dataset.row === "spoken",
    person: texts(row, "person"),
    cluster: row.closest("section").dataset.cluster ? [row.closest("section").dataset.cluster] : texts(row, "cluster"),
    namespace: texts(row, "namespace"),
    role: texts(row, "role"),
    level: row.dataset.level ? [row.dataset.level] : [],
  }));

  const word = (text, value) => {
    const at = ` ${text.replace(/[^a-z0-9.*-]+/g, " ")} `;
    return at.includes(` ${value.toLowerCase()} `);
  };
  const fits = {
    person: (one, value) => one.person.some((name) => name.toLowerCase().includes(value.toLowerCase())),
    namespace: (one, value) => one.namespace.includes(value) || one.namespace.includes(EVERYWHERE) || one.namespace.some((name) => name.endsWith("*") && value.startsWith(name.slice(0, -1))),
  };
  const matches = (one, state) =>
    state.q.toLowerCase().split(/\s+/).every((part) => one.text.includes(part)) &&
    FACETS.every((facet) => {
      const value = state[facet];
      if (!value) return true;
      if (one.spoken && facet !== "level") return word(one.text, value) || (facet === "person" && one.text.includes(value.toLowerCase()));
      return fits[facet] ? fits[facet](one, value) : one[facet].includes(value);
    });

  const read = () => Object.fromEntries(["q", ...FACETS].map((name) => [name, form.elements[name].value.trim()]));
  const write = (state) => {
    const kept = new URLSearchParams(Object.entries(state).filter(([, value]) => value));
    const theme = document.documentElement.dataset.theme;
    if (theme) kept.set("theme", theme);
    const fragment = kept.toString();
    history.replaceState(null, "", fragment ? `#${fragment}` : `${location.pathname}${location.search}`);
  };
  const show = () => {
    const state = read();
    const active = Object.values(state).some(Boolean);
    let shown = 0;
    for (const one of rows) {
      one.row.hidden = !matches(one, state);
      if (!one.row.hidden) shown += 1;
    }
    for (const section of sections) {
      section.hidden = active && !section.querySelector("tr[data-row]:not([hidden])");
    }
    for (const link of document.querySelectorAll("nav a")) {
      link.parentElement.hidden = document.getElementById(link.hash.slice(1)).closest("section").hidden;
    }
    for (const one of folds) one.open = Boolean(state.q || state.person) && shown <= 200 && !one.closest("tr").hidden;
    count.textContent = active ? `${shown} of ${rows.length} rows match` : `${rows.length} rows`;
    return state;
  };
  const fill = (facet) => {
    const into = facet === "person" ? document.getElementById("people-list") : form.elements[facet];
    const order = (one) => ["error", "warning", "info"].indexOf(one);
    const found = [...new Set(rows.flatMap((one) => one[facet]))].sort((a, b) => (facet === "level" ? order(a) - order(b) : a < b ? -1 : a > b ? 1 : 0));
    for (const value of found) {
      const option = document.createElement("option");
      option.value = value;
      option.textContent = value;
      into.append(option);
    }
  };
  const theme = (name) => {
    if (name === "dark" || name === "light") document.documentElement.dataset.theme = name;
    const dark = name ? name === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    toggle.setAttribute("aria-pressed", String(dark));
  };
  const load = () => {
    const fragment = location.hash.slice(1);
    if (fragment && !fragment.includes("=")) return;
    const said = new URLSearchParams(fragment);
    for (const name of ["q", ...FACETS]) {
      const field = form.elements[name];
      const value = said.get(name) || "";
      field.value = value;
      if (field.value !== value) field.value = "";
    }
    theme(said.get("theme"));
  };
  const reach = () => {
    for (const one of document.querySelectorAll(".scroll")) {
      if (one.scrollWidth > one.clientWidth) one.setAttribute("tabindex", "0");
      else one.removeAttribute("tabindex");
    }
  };

  FACETS.forEach(fill);
  load();
  theme(document.documentElement.dataset.theme);
  form.hidden = false;
  toggle.hidden = false;
  show();
  reach();
  form.addEventListener("input", () => write(show()));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => write(show())));
  toggle.addEventListener("click", () => {
    theme(toggle.getAttribute("aria-pressed") === "true" ? "light" : "dark");
    write(read());
  });
  addEventListener("hashchange", () => { load(); show(); });
  addEventListener("resize", reach);
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = folds.filter((one) => !one.open);
    for (const one of closed) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of closed) one.open = false; });
})();
