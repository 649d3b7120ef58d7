// What a form means, while it is typed. Without it the form says so when it is
// sent.
(() => {
  "use strict";
  const { $, all, pad, date, tell, parse, released } = kae;

  const slot = (t) => {
    const d = new Date(t), s = d.getSeconds();
    return `${d.toDateString().slice(0, 3)} ${date(t)}, ${pad(d.getHours())}:${pad(d.getMinutes())}` + (s ? ":" + pad(s) : "");
  };
  const here = (from) => { // the viewer's clock beside the token's
    for (const time of all(".fires time[data-f=slot]", from)) {
      const mine = slot(Date.parse(time.dateTime));
      if (mine === time.textContent || $(".here", time.parentElement)) continue;
      const span = document.createElement("span");
      span.className = "here";
      const [day, hour] = mine.split(", "); // only the hour, where the day is the same
      span.textContent = (time.textContent.startsWith(day + ",") ? hour : mine) + " by your clock";
      time.parentElement.append(span);
    }
  };
  for (const form of all("form[data-preview]")) {
    let timer, asked = 0;
    const inputs = all("[data-ask]", form);
    // A field turns red when one leaves it, not at every key.
    const mark = (input, bad) => {
      input.closest(".field").classList.toggle("err", bad);
      if (bad) input.setAttribute("aria-invalid", "true"); else input.removeAttribute("aria-invalid");
    };
    const left = new Set(); // fields that one has left as they are
    const show = (html) => {
      for (const fresh of parse(html)) {
        const old = document.getElementById(fresh.id);
        if (!old) continue;
        if (fresh.id === "preview") { old.replaceWith(fresh); tell(fresh); here(fresh); continue; }
        old.className = fresh.className; // the element stays: it is listened to
        if (old.innerHTML !== fresh.innerHTML) old.innerHTML = fresh.innerHTML;
        const input = inputs.find((i) => i.id + "-says" === fresh.id), bad = fresh.classList.contains("bad");
        if (input && (!bad || left.has(input))) mark(input, bad);
      }
    };
    const ask = async () => {
      clearTimeout(timer);
      const mine = ++asked, q = new URLSearchParams(inputs.map((i) => [i.name, i.value]));
      try {
        const r = await fetch("/preview?" + q, { headers: { Accept: "text/html" } });
        const html = await r.text();
        await released(); // leaving a field by pressing a button asks, too
        if (r.ok && mine === asked) show(html);
      } catch {} // the form works without
    };
    form.addEventListener("input", (e) => {
      if (!inputs.includes(e.target)) return;
      left.delete(e.target);
      clearTimeout(timer);
      timer = setTimeout(ask, 250);
    });
    form.addEventListener("change", (e) => { if (inputs.includes(e.target)) { left.add(e.target); ask(); } });
    for (const code of all("code[data-fill]", form)) {
      const button = document.createElement("button"), input = document.getElementById(code.dataset.fill);
      button.type = "button";
      button.append(code.textContent);
      button.addEventListener("click", () => { input.value = code.textContent; input.focus(); ask(); });
      code.replaceWith(button);
    }
    here(document);
    if (inputs.some((i) => i.value && i.id === "interval") && !all(".field.err", form).length) ask();
  }
})();
