// The scoreboard's search, filters, order and folding. Their state stands in the address, so that a view
// can be linked to. Without this script the table is whole.
document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector(".scoreboard-filter");
  const parts = [...document.querySelectorAll(".scoreboard tbody")].map((body) => {
    const head = body.querySelector("th"), button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    return { body, button, rows: [...body.querySelectorAll("tr[id]")] };
  });
  const rows = parts.flatMap((part) => part.rows);
  const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const folded = new Set();

  const fits = (row, wanted) =>
    ["paper", "kind", "outcome"].every((name) => !wanted[name] || row.dataset[name] === wanted[name]) &&
    (wanted.q || "").toLowerCase().split(/\s+/).every((word) => words.get(row).includes(word));

  const sorted = (part, by) =>
    by ? [...part.rows].sort((a, b) => (a.dataset[by] || a.id).localeCompare(b.dataset[by] || b.id)) : part.rows;

  function show() {
    const wanted = Object.fromEntries([...new FormData(form)].filter(([, value]) => value));
    const counts = new Map();
    for (const part of parts) {
      part.body.append(...sorted(part, wanted.sort));
      const found = new Set(part.rows.filter((row) => fits(row, wanted)));
      const closed = folded.has(part.body.id);
      for (const row of part.rows) row.hidden = closed || !found.has(row);
      for (const { dataset } of found) counts.set(dataset.outcome, (counts.get(dataset.outcome) || 0) + 1);
      part.body.hidden = !found.size;
      part.button.setAttribute("aria-expanded", !closed);
      part.button.dataset.count = found.size;
    }
    const total = [...counts.values()].reduce((a, b) => a + b, 0);
    const list = [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(", ");
    form.querySelector("output").value = `${total} of ${rows.length} claims${list && `: ${list}`}`;
    const query = new URLSearchParams(wanted);
    if (folded.size) query.set("folded", [...folded].map((id) => id.replace("claims-", "")).join("."));
    const address = location.pathname + (String(query) && `?${query}`) + location.hash;
    try { history.replaceState(null, "", address); } catch { /* a browser that forbids it for files */ }
  }

  function restore() {
    const query = new URLSearchParams(location.search);
    for (const field of form.elements) if (field.name) field.value = query.get(field.name) || "";
    for (const slug of (query.get("folded") || "").split(".")) if (slug) folded.add(`claims-${slug}`);
  }

  function reveal() {
    const row = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const part = parts.find((one) => one.rows.includes(row) || one.body === row);
    if (!part) return;
    folded.delete(part.body.id);
    show();
    if (row.hidden) { form.reset(); show(); }
    row.scrollIntoView();
  }

  for (const { body, button } of parts)
    button.addEventListener("click", () => {
      if (!folded.delete(body.id)) folded.add(body.id);
      show();
    });
  form.querySelector("[name=fold]").addEventListener("click", () => {
    const all = folded.size < parts.length;
    folded.clear();
    if (all) for (const { body } of parts) folded.add(body.id);
    show();
  });
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => { folded.clear(); setTimeout(show); });
  addEventListener("hashchange", reveal);
  form.hidden = false;
  restore();
  show();
  reveal();
});
