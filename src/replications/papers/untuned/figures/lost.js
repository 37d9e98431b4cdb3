(svg, [beta2, step], [beta, steps], frames) => {
  const now = frames[beta2].map((arm) => arm[step]);
  svg.querySelectorAll("rect").forEach((bar, row) => bar.setAttribute("width", 260 * now[row]));
  return `After ${steps} steps with β₂ = ${beta} RAdam has cost <b>${now[0]}</b> of ` +
    `1 / (1 − β₂) full steps, the linear warm-up ${now[1]}, the exponential ${now[2]}.`;
}
