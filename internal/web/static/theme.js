// Loaded in the head, so that no page flashes: marks that scripts run, and
// switches the theme (as the system, light, dark).
(() => {
  "use strict";
  const root = document.documentElement, order = ["", "light", "dark"];
  const word = { "": "as the system", light: "light", dark: "dark" };
  root.classList.add("js");
  const set = (t) => { t ? root.setAttribute("data-theme", t) : root.removeAttribute("data-theme"); };
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
