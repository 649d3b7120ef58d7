// What one token's page has besides kae.js: the slots speak when they are
// pointed at or walked along with the arrow keys. Without it the newest speaks.
(() => {
  "use strict";
  const width = 12, columns = 60; // as the server draws them
  let pushed = 0;    // how far the charts are pushed on a phone
  let chosen = null; // the slot's time; null: the newest one, whichever that is

  const parts = () => {
    const at = document.getElementById("slots-at"), list = document.getElementById("slot-list");
    return at && list ? { at, list, items: [...list.children], first: Number(list.dataset.first) } : null;
  };
  const timeOf = (item) => item.querySelector("time").dateTime;

  const show = (p, i) => {
    const item = p.items[i], said = document.getElementById("slot-said");
    said.replaceChildren(...[...item.childNodes].map((n) => n.cloneNode(true)));
    for (const mark of document.querySelectorAll("#slots .cur, #took .at")) {
      mark.setAttribute("transform", `translate(${(p.first + i) * width})`);
    }
    p.at.setAttribute("aria-valuenow", i + 1);
    p.at.setAttribute("aria-valuetext", item.textContent);
  };

  const shown = (p) => {
    const i = chosen === null ? -1 : p.items.findIndex((item) => timeOf(item) === chosen);
    return i < 0 ? p.items.length - 1 : i;
  };

  const choose = (p, i) => {
    chosen = i === p.items.length - 1 ? null : timeOf(p.items[i]);
    show(p, i);
  };

  // The blocks of the page are swapped as things change.
  const prepare = () => {
    const p = parts();
    for (const clip of document.querySelectorAll(".clip")) clip.scrollLeft = pushed;
    if (!p) return;
    p.at.setAttribute("role", "slider");
    p.at.setAttribute("aria-valuemin", 1);
    p.at.setAttribute("aria-valuemax", p.items.length);
    show(p, shown(p));
  };

  document.addEventListener("keydown", (e) => {
    const p = parts();
    if (!p || e.target !== p.at || e.altKey || e.ctrlKey || e.metaKey) return;
    const i = shown(p), last = p.items.length - 1;
    const to = { ArrowLeft: i - 1, ArrowDown: i - 1, ArrowRight: i + 1, ArrowUp: i + 1, PageDown: i - 10, PageUp: i + 10, Home: 0, End: last }[e.key];
    if (to === undefined) return;
    e.preventDefault();
    choose(p, Math.min(Math.max(to, 0), last));
    document.querySelector("#slots .cur").scrollIntoView({ block: "nearest", inline: "nearest" });
  });

  for (const name of ["pointermove", "pointerdown"]) {
    document.addEventListener(name, (e) => {
      const svg = e.target.closest?.("#slots .chart, #took .chart"), p = svg && parts();
      if (!p) return;
      const box = svg.getBoundingClientRect();
      const i = Math.floor((e.clientX - box.left) / box.width * columns) - p.first;
      if (i >= 0 && i < p.items.length) choose(p, i);
    });
  }

  // On a phone both charts show the same part.
  document.addEventListener("scroll", (e) => {
    if (!e.target.classList?.contains("clip")) return;
    pushed = e.target.scrollLeft;
    for (const clip of document.querySelectorAll(".clip")) {
      if (clip !== e.target && clip.scrollLeft !== e.target.scrollLeft) clip.scrollLeft = e.target.scrollLeft;
    }
  }, true);

  document.addEventListener("swapped", (e) => { if (e.target.id === "slots" || e.target.id === "took") prepare(); });
  prepare();
})();
