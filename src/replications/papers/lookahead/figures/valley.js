(svg, [rate, k, alpha, taken], value, data) => {
  const flat = data.paths[rate][k][alpha], loop = data.k[k] + 1, points = [];
  for (let i = 0; i < flat.length; i += 2) points.push(flat[i] + "," + flat[i + 1]);
  const seen = points.slice(0, taken + 1 + Math.floor(taken / data.k[k]));
  const starts = seen.filter((_, i) => i % loop === 0);
  const pulls = seen.map((p, i) => i && i % loop === 0 ? `M${seen[i - 1]}L${p}` : "").join("");
  svg.querySelector(".fast").setAttribute("points", seen.join(" "));
  svg.querySelector(".slow").setAttribute("points", starts.join(" "));
  svg.querySelector(".pull").setAttribute("d", pulls);
  const at = data.settled;
  return `At rest the slow weights' loss is <b>${at[k][rate][alpha]}</b>; that of SGD at this
    rate is ${at[k][rate].at(-1)}, at α times this rate ${at.at(-1)[rate][alpha]}.`;
}
