(svg, [i, k], [log, order], data) => {
  const [left, width, bottom, height, top] = data.right, [x0, y0] = data.origin;
  const across = l => left + width * (l + 5) / 7, down = v => bottom - height * v / top;
  const set = (element, values) => {
    for (const name in values) element.setAttribute(name, values[name]);
  };
  const round = (v, n = 2) => v.toFixed(n).replace("-", "−").replace(".0", n === 1 ? "" : ".0");
  const cx = x0 + data.scale * data.w[i][0], cy = y0 - data.scale * data.w[i][1];
  const loss = data.loss[i], slope = data.slopes[i][k];
  svg.querySelectorAll(".train").forEach((ellipse, n) => {
    const r = data.scale * [0.2, 0.45][n];
    const turn = ellipse.getAttribute("transform").match(/rotate.*/)[0];
    set(ellipse, {rx: r * data.radii[i][0], ry: r * data.radii[i][1],
      transform: `translate(${cx} ${cy}) ${turn}`});
  });
  const ahead = slope < 0 ? 1.2 : -1.2;
  set(svg.querySelector(".w"), {cx, cy});
  set(svg.querySelector(".loss"), {cx: across(log), cy: down(loss)});
  set(svg.querySelector(".arrow"), {
    d: `M${across(log)} ${down(loss)}L${across(log + ahead)} ${down(loss + ahead * slope)}`});
  return `At l = ${round(log, 1)} the validation loss is <b>${loss.toFixed(3)}</b>. A series of order
    ${order} says its slope is <b>${round(slope)}</b>; it is ${round(data.slope[i])}.`;
}
