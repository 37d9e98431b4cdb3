(svg, [sigma, start, update], value, data) => {
  const paths = data.points[sigma][start], words = data.words[sigma][start];
  paths.forEach((path, i) => {
    const seen = path.slice(0, update + 1);
    svg.querySelector(".p" + i).setAttribute("d", "M" + seen.map(p => p.join(" ")).join("L"));
    const [x, y] = seen.at(-1);
    svg.querySelector(".m" + i).setAttribute("transform", `translate(${x} ${y})`);
  });
  return `PES is at a loss of <b>${words[0][update]}</b>, truncated ES at ` +
    `<b>${words[1][update]}</b>; the lowest is near 555.`;
}
