// The list: its rows, what is selected, the menu of a row, the keys.
(() => {
  "use strict";
  const { $, all, main, live, tell, parse, morph, fired, announce, told, later, flush, events, before } = kae;
  const rows = $("#rows"), pick = $("#pick"), sort = main.dataset.sort;
  const name = (row) => $(".c-n a", row).textContent;

  // ---- the order: rows stay where they are, and how many belong elsewhere is told ----
  const place = {
    name, created: () => "",
    last: (row) => $(".c-l time", row)?.dateTime || "",
  }[sort] || ((row) => row.dataset.rank);
  const places = new Map(rows ? [...rows.children].map((row) => [row.id, place(row)]) : []);
  const moved = new Set();
  const resort = () => {
    const link = $("#resort");
    if (!link) return;
    link.hidden = false;
    link.textContent = (moved.size ? `${moved.size} changed` : "order changed") + " · re-sort";
  };
  const settle = (row) => {
    if (places.get(row.id) === place(row)) moved.delete(row.id); else moved.add(row.id);
    if (moved.size || !$("#resort").hidden) resort();
  };

  // A row flashes when its state changes, and for heartbeats while they are
  // few: a list where much happens is still.
  const flash = (row) => {
    const again = row.classList.contains("changed");
    row.classList.toggle("changed", !again);
    row.classList.toggle("again", again);
  };
  const state = (row) => row.dataset.v.slice(row.dataset.v.indexOf(".")); // without the number of heartbeats
  const fires = (row) => announce(`${name(row)} fires: ${$(".st", row).textContent.trim()}`);
  const change = (old, fresh, calm) => {
    const v = old.dataset.v;
    if (fired(old, fresh)) fires(fresh);
    morph(old, fresh);
    if (v === old.dataset.v) return;
    if (calm) flash(old);
    settle(old);
  };
  const come = (fresh) => {
    fresh.classList.add("changed");
    rows.append(fresh);
    tell(fresh);
    look.observe(fresh);
    if (fresh.dataset.rank === "1") fires(fresh);
    if (rows.children.length > 1) settle(fresh);
  };
  // A reload must not overtake what was sent: its answer would be lost.
  let leaving = false;
  addEventListener("beforeunload", () => { leaving = true; });
  addEventListener("pageshow", () => { leaving = false; });
  const reload = () => { if (!leaving) location.reload(); };
  events.row = (html) => {
    for (const fresh of parse(html)) {
      const old = document.getElementById(fresh.id);
      if (old && state(old) === state(fresh)) {
        later(fresh.id, (calm) => { if (old.isConnected) change(old, fresh, calm); });
        continue;
      }
      flush(false);
      if (old) change(old, fresh, true);
      else if (rows) come(fresh);
      else if (!all("main .in").some((input) => input.value !== input.defaultValue)) reload(); // the first one: there is a list now
    }
  };
  events.gone = (id) => {
    flush(false);
    const row = document.getElementById("t" + id);
    if (row) { look.unobserve(row); row.remove(); moved.delete(row.id); }
    if (rows && !rows.children.length) reload();
  };
  const count = (counts, is) => Number($(`a[href*='is:${is}'] b`, counts)?.textContent || 0);
  // Tokens that the page does not show begin to fire, too.
  const unseen = (counts) => count(counts, "firing") - all("tr[data-rank='1']", rows).length;
  let elsewhere = rows ? unseen($("#counts")) : 0;
  before.counts = (old, fresh) => {
    if (rows) {
      const was = elsewhere;
      elsewhere = unseen(fresh);
      if (elsewhere > was) {
        announce(`${count(fresh, "firing")} firing`);
        if (!("more" in main.dataset)) resort();
      }
    }
    if ($("[aria-current] b", old)?.textContent !== $("[aria-current] b", fresh)?.textContent) resort();
  };
  kae.asks(() => {
    const q = new URLSearchParams({ ids: all("#rows > tr").map((row) => row.id.slice(1)).join(","), t: main.dataset.t });
    if (main.dataset.q || !("fold" in main.dataset)) q.set("q", main.dataset.q);
    if (sort) q.set("sort", sort);
    if ("more" in main.dataset) q.set("more", "1");
    return q;
  });

  // ---- times: only rows that are seen count down ----
  const seen = new Set();
  const look = new IntersectionObserver((changes) => {
    for (const { target, isIntersecting } of changes) {
      if (isIntersecting) { seen.add(target); tell(target); } else seen.delete(target);
    }
  }, { rootMargin: "72px" });
  if (rows) {
    for (const row of rows.children) look.observe(row);
    const outside = live.split(", ").map((s) => `${s}:not(#rows *)`).join(", ");
    kae.ticking = () => [...all(outside), ...[...seen].flatMap((row) => all(live, row))];
  }
  rows?.addEventListener("mouseover", (e) => {
    const cell = e.target.closest?.(".c-t");
    if (cell) cell.title = $(".sum", cell).textContent;
  });

  // ---- what is chosen stays ----
  const picked = () => all(":checked", rows).map((box) => box.value);
  document.addEventListener("click", (e) => {
    const link = e.target.closest?.(".seg a, #resort");
    if (!link) return;
    if (link.dataset.t) document.cookie = `t=${link.dataset.t}; path=/; max-age=31536000; samesite=lax`;
    try { sessionStorage.setItem("picked", JSON.stringify(picked())); } catch {}
  });
  try {
    for (const id of JSON.parse(sessionStorage.getItem("picked") || "[]")) { const box = $(`#t${Number(id)} .c-x input`); if (box) box.checked = true; }
    sessionStorage.removeItem("picked");
  } catch {}

  // ---- selecting ----
  const boxes = () => all(".c-x input", rows), every = pick && $("[name=all]", pick);
  let last; // the box that was ticked last
  const mark = () => {
    const list = boxes(), on = list.filter((box) => box.checked).length, whole = $("#pick-all");
    whole.checked = on > 0 && on === list.length;
    whole.indeterminate = on > 0 && on < list.length;
    if (every && on < list.length) every.checked = false;
  };
  const range = (to) => {
    const list = boxes(), [a, b] = [list.indexOf(last), list.indexOf(to)].sort((a, b) => a - b);
    if (a >= 0) for (const box of list.slice(a, b + 1)) box.checked = to.checked;
  };
  if (pick) {
    pick.addEventListener("click", (e) => {
      if (!e.target.matches(".c-x input")) return;
      if (e.target.id === "pick-all") for (const box of boxes()) box.checked = e.target.checked;
      else { if (e.shiftKey && last) range(e.target); last = e.target; }
      mark();
    });
    pick.addEventListener("change", (e) => {
      if (e.target === every && every.checked) { for (const box of boxes()) box.checked = true; mark(); }
    });
    pick.addEventListener("reset", () => setTimeout(mark));
    pick.addEventListener("toggle", (e) => { if (e.target.open) $(".in", e.target).focus(); }, true);
    // Enter in a field presses the button beside it.
    pick.addEventListener("keydown", (e) => {
      if (e.key !== "Enter" || !e.target.matches(".ask .in")) return;
      e.preventDefault();
      $("button", e.target.closest?.(".ask")).click();
    });
    mark();
  }

  // ---- what is done to one token ----
  const act = async (row, path, done) => {
    let problem = "kae did not answer.";
    try {
      const r = await fetch(`/tokens/${row.id.slice(1)}/${path}`, { method: "POST", headers: { Accept: "application/json" } });
      if (r.ok) { done ? done() : told("Done"); return; }
      problem = (await r.json()).error || problem;
    } catch {}
    const note = $("#toast");
    $("span", note).textContent = problem;
    note.hidden = false;
    setTimeout(() => { note.hidden = true; }, 8000);
  };
  const disabled = (row) => row.classList.contains("dis");
  const removed = () => main.dataset.q === "is:removed";
  const toggle = (row) => act(row, disabled(row) ? "enable" : "disable");
  const acts = {
    // One that fires is asked what has happened.
    beat: (row) => row.dataset.rank === "1" ? location.assign(`/tokens/${row.id.slice(1)}#ask-beat`) : act(row, "heartbeat"),
    copy: (row) => $("[data-copy]", row).click(),
    disable: toggle, enable: toggle,
    remove: (row) => act(row, "remove", () => {
      const url = new URL(location.href);
      url.searchParams.delete("done");
      url.searchParams.set("removed", row.id.slice(1));
      location.assign(url);
    }),
    undo: (row) => act(row, "undo"),
  };

  // ---- the menu ----
  const menu = $("#menu");
  let opener, of; // the button that opened it, and its row
  const close = (back) => {
    if (!menu || menu.hidden) return;
    menu.hidden = true;
    opener.removeAttribute("aria-expanded");
    if (back) opener.focus();
  };
  const open = (button) => {
    opener = button;
    of = button.closest("tr");
    const hide = { beat: removed(), copy: removed(), disable: removed() || disabled(of), enable: removed() || !disabled(of), remove: removed(), undo: !removed() };
    for (const [what, hidden] of Object.entries(hide)) $(`[data-do=${what}]`, menu).hidden = hidden;
    for (const link of all("[data-to]", menu)) { link.href = `/tokens/${of.id.slice(1)}${link.dataset.to}`; link.hidden = removed() || "firing" in link.dataset && of.dataset.rank !== "1"; }
    $("hr", menu).hidden = removed();
    button.setAttribute("aria-haspopup", "menu");
    button.setAttribute("aria-expanded", "true");
    menu.setAttribute("aria-label", button.getAttribute("aria-label"));
    menu.hidden = false;
    const at = button.getBoundingClientRect(), below = innerHeight - at.bottom > menu.offsetHeight + 8 || at.top < menu.offsetHeight;
    menu.style.top = scrollY + (below ? at.bottom + 2 : at.top - menu.offsetHeight - 2) + "px";
    menu.style.left = Math.max(8, at.right - menu.offsetWidth) + "px";
    items()[0].focus();
  };
  const items = () => all("[role=menuitem]:not([hidden])", menu);
  document.addEventListener("click", (e) => {
    const button = e.target.closest?.("[data-menu]");
    if (button && menu && !e.ctrlKey && !e.metaKey) {
      e.preventDefault();
      const was = !menu.hidden && opener === button;
      close();
      if (!was) open(button);
      return;
    }
    const item = e.target.closest?.("#menu [data-do]");
    if (!item) return close();
    close(true);
    acts[item.dataset.do](of);
  });
  // Not left to the press that follows: it would already meet the menu's first button.
  document.addEventListener("keydown", (e) => {
    if (e.key !== "Enter" || !menu || !e.target.matches?.("[data-menu]")) return;
    e.preventDefault();
    open(e.target);
  });
  menu?.addEventListener("keydown", (e) => {
    const list = items(), i = list.indexOf(document.activeElement);
    const to = { ArrowDown: i + 1, ArrowUp: i - 1 + list.length, Home: 0, End: list.length - 1 }[e.key];
    if (to !== undefined) { e.preventDefault(); list[to % list.length].focus(); }
    if (e.key === "Tab") close(true);
  });

  // ---- keys ----
  const help = $("#keys"), search = $("#q");
  let on = true, cur;
  try { on = localStorage.getItem("keys") !== "off"; } catch {}
  if (help) {
    const box = $("#keys-on", help);
    box.checked = on;
    box.addEventListener("change", () => { on = box.checked; try { localStorage.setItem("keys", on ? "on" : "off"); } catch {} });
    help.addEventListener("click", (e) => { if (e.target === help) help.close(); });
    document.addEventListener("click", (e) => { if (e.target.closest?.("[data-help]")) help.showModal(); });
  }
  const go = (row) => {
    if (!row) return;
    cur?.classList.remove("cur");
    cur = row;
    cur.classList.add("cur");
    $(".c-n a", cur).focus({ preventScroll: true });
    cur.scrollIntoView({ block: "nearest" });
  };
  const here = () => document.activeElement?.closest("#rows > tr") || (cur?.isConnected ? cur : null);
  const step = (by) => {
    if (!rows) return;
    const list = [...rows.children].filter((row) => row.checkVisibility()), i = list.indexOf(here());
    go(list[i < 0 ? (by > 0 ? 0 : list.length - 1) : i + by]);
  };
  const select = (row, shift) => {
    if (!row) return;
    const box = $(".c-x input", row);
    box.checked = !box.checked;
    if (shift && last) range(box);
    last = box;
    mark();
  };
  const keys = {
    "/": () => { search?.focus(); search?.select(); },
    j: () => step(1), k: () => step(-1),
    x: () => select(here()), X: () => select(here(), true),
    d: () => { const row = here(); if (row && !removed()) toggle(row); },
    a: () => { const row = here(); if (row && !removed()) location.assign(`/tokens/${row.id.slice(1)}/acknowledge`); },
    n: () => location.assign("/newtoken"),
    f: () => location.assign(main.dataset.q === "is:firing" ? "/" : "/?q=is:firing"),
    "?": () => help?.showModal(),
    Enter: () => { const row = document.activeElement.matches("body, #rows [type=checkbox]") && here(); if (row) $(".c-n a", row).click(); return !!row; },
  };
  document.addEventListener("keydown", (e) => {
    if (e.key === "Escape") {
      if (document.activeElement === search) search.blur();
      else if (menu && !menu.hidden) close(true);
      else if (pick && !help.open && !e.defaultPrevented) pick.reset(); // it closed nothing else
      return;
    }
    if (!on && e.key !== "Enter" || e.ctrlKey || e.metaKey || e.altKey || help?.open) return;
    if (e.target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable], [role=menu]")) return;
    if (keys[e.key] && keys[e.key]() !== false) e.preventDefault();
  });
})();
