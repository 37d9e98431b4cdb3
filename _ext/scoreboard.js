document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector(".scoreboard-filter");
  const rows = [...document.querySelectorAll(".scoreboard tr[id]")];
  const show = () => {
    const wanted = [...new FormData(form)].filter(([, value]) => value);
    for (const row of rows) row.hidden = wanted.some(([name, value]) => row.dataset[name] !== value);
    for (const part of document.querySelectorAll(".scoreboard tbody"))
      part.hidden = !part.querySelector("tr[id]:not([hidden])");
    form.querySelector("output").value = `${rows.filter((row) => !row.hidden).length} of ${rows.length} claims`;
  };
  form.hidden = false;
  form.addEventListener("change", show);
  show();
});
