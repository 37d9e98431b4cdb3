(svg, [rate, k, alpha, taken], value, data) => {
  const flat = data.paths[rate][k][alpha], loop = data.k[k] + 1, points = [];
  for (let i = 0; i < flat.length; i += 2) points.push(flat[i] + "," + flat[i + 1]);
  const seen = points.slice(0, taken + 1 + Math.floor(taken / data.k[k]));
  const loops = [], pulls = [];
  for (let i = 0; i < seen.length; i += loop) {
    loops.push(seen.slice(i, i + loop));
    if (i) pulls.push(`M${seen[i - 1]}L${seen[i]}`);
  }
  const slow = loops.map(points => points[0]).join(" ");
  svg.querySelector(".slow").setAttribute("points", slow);
  svg.querySelector(".fast").setAttribute("d", loops.map(p => "M" + p.join("L")).join(""));
  svg.querySelector(".pull").setAttribute("d", pulls.join(""));
  const at = data.settled;
  return `At rest the slow weights' loss is <b>${at[k][rate][alpha]}</b>; that of SGD at this
    rate is ${at[k][rate].at(-1)}, at α times this rate ${at.at(-1)[rate][alpha]}.`;
}
