// What makes a page live. Without it the page reads and works as it was sent.
(() => {
  "use strict";
  const $ = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const body = document.body, main = $("[data-live]");

  // ---- the server's clock ----
  let ahead = 0; // milliseconds that it is ahead of ours
  const setClock = (iso) => { ahead = Date.parse(iso) - Date.now(); };
  const now = () => Date.now() + ahead;
  if (body.dataset.now) setClock(body.dataset.now);

  // ---- times: the words of words.go, in the viewer's zone ----
  const pad = (n) => String(n).padStart(2, "0");
  const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
  const week = 7 * 86400e3;
  const two = (a, ua, b, ub) => b ? `${a} ${ua} ${b} ${ub}` : `${a} ${ua}`;
  const span = (ms) => {
    const s = Math.floor(ms / 1000), m = Math.floor(s / 60), h = Math.floor(m / 60);
    if (s < 60) return `${s} s`;
    if (m < 10) return two(m, "m", s % 60, "s");
    if (h < 1) return `${m} m`;
    if (h < 24) return two(h, "h", m % 60, "m");
    return two(Math.floor(h / 24), "d", h % 24, "h");
  };
  const date = (t) => {
    const d = new Date(t), year = d.getFullYear();
    return `${d.getDate()} ${months[d.getMonth()]}` + (year === new Date(now()).getFullYear() ? "" : ` ${year}`);
  };
  const hour = (t) => { const d = new Date(t); return [d.getHours(), d.getMinutes(), d.getSeconds()].map(pad).join(":"); };
  const dayKey = (t) => new Date(t).toDateString();
  const dayFrom = (n) => { const d = new Date(now()); d.setHours(12); d.setDate(d.getDate() + n); return d.toDateString(); };
  const forms = {
    rel(t) {
      const d = t - now();
      if (Math.abs(d) >= week) return date(t);
      if (d <= -1000) return span(-d) + " ago";
      return d <= 0 ? "now" : "in " + span(d + 999);
    },
    at(t) {
      const days = { [dayFrom(0)]: "today", [dayFrom(-1)]: "yesterday", [dayFrom(1)]: "tomorrow" };
      const day = days[dayKey(t)];
      return day ? `${day} at ${hour(t)}` : `${date(t)}, ${hour(t)}`;
    },
    hour, day: date, minute: (t) => hour(t).slice(0, 5),
    axis: (t) => { const m = hour(t).slice(0, 5), d = new Date(t); return m === "00:00" ? `${d.toDateString().slice(0, 3)} ${d.getDate()}` : m; },
  };
  const say = (time) => {
    const t = Date.parse(time.dateTime), form = forms[time.dataset.f];
    if (!form || isNaN(t)) return;
    const text = form(t);
    // The node stays: taking one away makes browsers look at all styles again.
    if (time.firstChild?.data !== text) time.firstChild ? time.firstChild.data = text : time.append(text);
  };
  const tell = (from) => {
    for (const label of all("text[data-t]", from)) label.textContent = forms[label.dataset.f](Date.parse(label.dataset.t));
    for (const time of all("time[data-f]", from)) say(time);
  };
  // The whole of a time is only put in words for who points at it.
  document.addEventListener("mouseover", (e) => {
    const time = e.target.closest("time[data-f]");
    if (time) time.title = new Date(Date.parse(time.dateTime)).toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" });
  });
  // The days of a log, too, are the viewer's.
  const days = () => {
    for (const table of all("table.log")) {
      for (const head of all("tr.day", table)) head.remove();
      for (const row of all("tr.quiet", table)) { // of one day or several, by the viewer's clock
        const ends = all("time", row), form = new Set(ends.map((t) => dayKey(Date.parse(t.dateTime)))).size > 1 ? "day" : "hour";
        for (const time of ends) { time.dataset.f = form; say(time); }
      }
      let day = "";
      for (const row of all("tbody > tr", table)) {
        const time = $("time[data-f=hour]", row), t = time && Date.parse(time.dateTime);
        if (!time || dayKey(t) === day) continue;
        day = dayKey(t);
        const head = document.createElement("tr"), cell = document.createElement("th");
        head.className = "day";
        head.setAttribute("role", "row");
        cell.colSpan = 6;
        cell.scope = "colgroup";
        cell.setAttribute("role", "columnheader");
        cell.textContent = (day === dayFrom(0) ? "Today, " : "") + day.slice(0, 3) + " " + date(t);
        head.append(cell);
        row.before(head);
      }
    }
  };
  tell(document);
  days();
  const live = "time[data-f=rel], time[data-f=at]";
  let ticking = () => all(live);
  const tick = () => { if (!document.hidden) ticking().forEach(say); };
  document.addEventListener("visibilitychange", tick);

  // What is not urgent is shown at once while little happens, and otherwise
  // together with the countdowns, once a second: a busy kae must not keep a
  // browser busy, which pays for each picture and not for what is in it.
  const waiting = new Map(); // by what it shows: the newest counts
  let busy = false, soon;
  const flush = (calm) => {
    clearTimeout(soon);
    const all = [...waiting.values()];
    waiting.clear();
    for (const show of all) show(calm);
  };
  const later = (what, show) => {
    waiting.delete(what);
    waiting.set(what, show);
    if (busy) return;
    busy = true;
    soon = setTimeout(flush, 0, true);
  };
  setInterval(() => {
    busy = waiting.size > 0;
    flush(false);
    tick();
    $(".live").classList.toggle("dim"); // it breathes
  }, 1000);

  // Nothing moves under a finger: what is swapped between press and release
  // would swallow the click.
  let pressed = false;
  addEventListener("pointerdown", () => { pressed = true; }, true);
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => setTimeout(() => { pressed = false; dispatchEvent(new Event("released")); }), true);
  const released = async () => { while (pressed) await new Promise((go) => addEventListener("released", go, { once: true })); };

  const parse = (html) => { const t = document.createElement("template"); t.innerHTML = html; return [...t.content.children]; };

  // Firings interrupt; what somebody did here is told beside it.
  const announce = (text) => { $("#said").textContent = text; };
  const told = (text) => { $("#told").textContent = text; };

  // ---- copying ----
  const copyOld = (text) => { // the clipboard of today needs https
    const area = document.createElement("textarea"), focus = document.activeElement;
    area.value = text;
    area.className = "vh";
    document.body.append(area);
    area.select();
    let done = false;
    try { done = document.execCommand("copy"); } catch {}
    area.remove();
    focus?.focus?.();
    return done;
  };
  document.addEventListener("click", async (e) => {
    const button = e.target.closest("[data-copy]");
    if (!button) return;
    const text = button.dataset.copy || $("pre", button.parentElement).textContent;
    let done = true;
    try { await navigator.clipboard.writeText(text); } catch { done = copyOld(text); }
    button.dataset.copied = done ? "Copied" : "Not copied";
    told(button.dataset.copied);
    setTimeout(() => delete button.dataset.copied, 1500);
  });

  // Open questions close with Esc and when something else is pressed.
  document.addEventListener("keydown", (e) => {
    if (e.key !== "Escape") return;
    for (const ask of all("details.ask[open]")) { ask.open = false; $("summary", ask).focus(); e.preventDefault(); }
  });
  document.addEventListener("click", (e) => {
    for (const ask of all("details.ask[open]")) if (!ask.contains(e.target)) ask.open = false;
  });

  // A link may lead to a question.
  const asked = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (asked && asked.matches("details.ask")) { asked.open = true; $("summary", asked).focus(); }

  window.kae = { $, all, pad, date, tell, parse, released, announce, told, later, flush, live, set ticking(f) { ticking = f; } };
  if (!main) return;

  // ---- swapping ----
  const focusable = "a, button, summary, input, textarea, [tabindex]";
  // What the viewer did to an element stays: what is open, chosen, focused.
  const swap = (old, fresh) => {
    for (const d of all("details[id]", old)) { const same = $("#" + d.id, fresh); if (same) same.open = d.open; }
    for (const i of all("input[id]:not([type=radio], [type=checkbox]), textarea[id]", old)) { const same = $("#" + i.id, fresh); if (same) same.value = i.value; }
    for (const r of all("input[type=radio]:checked", old)) { const same = $("#" + r.id, fresh); if (same) same.checked = true; }
    const at = old.contains(document.activeElement) ? all(focusable, old).indexOf(document.activeElement) : -1;
    old.replaceWith(fresh);
    if (at >= 0) all(focusable, fresh)[at]?.focus({ preventScroll: true });
    tell(fresh);
    if (fresh.id === "log") days();
    fresh.dispatchEvent(new Event("swapped", { bubbles: true }));
  };
  // What stays in its place is changed where it stands: a press that has begun,
  // a box that is ticked, a menu that is open outlive the news.
  const ours = ["title", "data-copied", "aria-expanded", "aria-haspopup"], marks = ["cur", "changed", "again"];
  const morph = (old, fresh) => {
    if (old.nodeName !== fresh.nodeName) return old.replaceWith(fresh);
    if (old.nodeType === Node.TEXT_NODE) { if (old.data !== fresh.data) old.data = fresh.data; return; }
    if (old.nodeName === "INPUT" || old.isEqualNode(fresh)) return;
    for (const { name, value } of [...fresh.attributes]) {
      if (name === "class") {
        const now = [value, ...marks.filter((m) => old.classList.contains(m))].join(" ").trim();
        if (old.getAttribute("class") !== now) old.setAttribute("class", now);
      } else if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !ours.includes(name) && name !== "class") old.removeAttribute(name);
    const a = [...old.childNodes], b = [...fresh.childNodes];
    b.forEach((node, i) => { a[i] ? morph(a[i], node) : old.append(node); });
    for (const node of a.slice(b.length)) node.remove();
    if (old.nodeName === "TIME") say(old);
  };
  const fired = (old, fresh) => fresh.dataset.rank === "1" && old && old.dataset.rank !== "1";

  const inPlace = ["counts", "next", "folds", "problems", "grid-of", "axis"];
  const before = {}; // by the id of a block: what else is done when it comes
  const events = {
    gone() {},
    block(html) {
      for (const fresh of parse(html)) {
        const show = () => {
          const old = document.getElementById(fresh.id);
          if (!old) return;
          before[fresh.id]?.(old, fresh);
          if (fresh.id === "head" && fired(old, fresh)) announce($(".lead", fresh).textContent);
          if (inPlace.includes(fresh.id)) { morph(old, fresh); tell(document.getElementById(fresh.id)); } else swap(old, fresh);
        };
        if (inPlace.includes(fresh.id)) later(fresh.id, show);
        else if (pressed) released().then(show);
        else { flush(false); show(); }
      }
    },
    tick(json) {
      const { now, last } = JSON.parse(json), mark = $("#last");
      setClock(now);
      if (!last || !mark) return;
      later("last", () => {
        mark.hidden = false;
        let time = $("time", mark);
        if (!time) {
          time = document.createElement("time");
          time.dataset.f = "rel";
          mark.replaceChildren(", last heartbeat ", time);
        }
        time.dateTime = last;
        say(time);
      });
    },
  };

  // ---- the stream ----
  let address = () => { // of the page that asks: one token's, unless list.js says otherwise
    const q = new URLSearchParams(main.dataset.log || "");
    q.set("token", main.dataset.token);
    return q;
  };
  const patience = 15e3; // without any event: what the page shows is old
  let stream, heard = Date.now(), tried = 0, retry = 0, again;
  const fresh = () => {
    heard = Date.now();
    retry = 0;
    if (!$("#stale").hidden || $(".live").hidden) { // even to say again what stands there makes work
      body.classList.remove("stale");
      $("#stale").hidden = true;
      $(".live").hidden = false;
    }
  };
  const connect = () => {
    clearTimeout(again);
    stream?.close();
    tried = Date.now();
    stream = new EventSource("/events?" + address());
    for (const [name, apply] of Object.entries(events)) {
      stream.addEventListener(name, (e) => { fresh(); apply(e.data); });
    }
    // Not left to the browser: the rows to ask for may be others by now.
    stream.onerror = () => {
      stream.close();
      clearTimeout(again);
      again = setTimeout(connect, Math.min(1000 * 2 ** retry++, 10e3) * (0.75 + Math.random() / 2));
    };
  };
  const watch = () => {
    const silence = Date.now() - heard, note = $("#stale");
    if (silence < patience) return;
    if (Date.now() - tried > patience) connect(); // it may be silent for ever without an error
    $("[data-since]", note).textContent = span(silence);
    if (note.hidden) {
      $("[data-seen]", note).textContent = hour(heard + ahead);
      note.hidden = false;
      body.classList.add("stale");
    }
  };
  setInterval(watch, 1000);
  addEventListener("pagehide", () => stream?.close());
  addEventListener("pageshow", (e) => { if (e.persisted) connect(); });
  addEventListener("online", connect);
  // list.js, which comes later, has a say in all of this.
  Object.assign(window.kae, { main, morph, fired, events, before, asks: (f) => { address = f; } });
  document.addEventListener("DOMContentLoaded", connect);
})();
