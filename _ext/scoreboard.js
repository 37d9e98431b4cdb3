document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector(".scoreboard-filter");
  const rows = [...document.querySelectorAll(".scoreboard tbody tr")];
  const show = () => {
    const { paper, verdict } = Object.fromEntries(new FormData(form));
    for (const row of rows)
      row.hidden = (paper && row.dataset.paper !== paper) || (verdict && row.dataset.verdict !== verdict);
    form.querySelector("output").value = `${rows.filter((row) => !row.hidden).length} of ${rows.length} claims`;
  };
  form.hidden = false;
  form.addEventListener("change", show);
  show();
});
