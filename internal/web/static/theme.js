// Loaded in the head, so that no page flashes: marks that scripts run, and
// switches the theme (as the system, light, dark).
(() => {
  "use strict";
  const root = document.documentElement, order = ["", "light", "dark"];
  const word = { "": "as the system", light: "light", dark: "dark" };
  root.classList.add("js");
  const set = (t) => {
    t ? root.setAttribute("data-theme", t) : root.removeAttribute("data-theme");
    for (const m of document.querySelectorAll("meta[name=theme-color]")) { // of the browser around the page
      const own = m.dataset.scheme;
      m.media = t ? (t === own ? "all" : "not all") : `(prefers-color-scheme: ${own})`;
    }
  };
  const label = () => {
    for (const b of document.querySelectorAll("[data-theme-switch]")) b.setAttribute("aria-label", "Theme: " + word[now]);
  };
  let now = "";
  try { now = localStorage.getItem("theme") || ""; } catch {}
  if (!(now in word)) now = "";
  set(now);
  document.addEventListener("DOMContentLoaded", label);
  document.addEventListener("click", (e) => {
    if (!e.target.closest("[data-theme-switch]")) return;
    now = order[(order.indexOf(now) + 1) % order.length];
    set(now);
    label();
    try { localStorage.setItem("theme", now); } catch {}
  });
})();
