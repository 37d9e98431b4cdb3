(svg, [length], [draws], frames) => {
  const width = svg.viewBox.baseVal.width;
  svg.querySelectorAll("rect").forEach((bar, row) => {
    const spread = frames[length][row];
    bar.setAttribute("x", width * (0.5 - spread));
    bar.setAttribute("width", width * 2 * spread);
  });
  const [mean, median] = frames[length];
  return `With ${draws} numbers the mean scatters by <b>${mean}</b>, the median by <b>${median}</b>.`;
}
