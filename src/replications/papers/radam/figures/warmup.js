(svg, index, value, data) => {
  const [b, i] = index, frame = data.frames[b], x = data.x[i];
  const set = (name, attributes) => {
    const element = svg.querySelector(name);
    for (const [key, v] of Object.entries(attributes)) element.setAttribute(key, v);
  };
  set("path.r", { d: frame.rPath });
  set("path.w", { d: frame.wPath });
  set("path.t", { d: svg.querySelector("path.t").getAttribute("d").replace(/^M[\d.]+/, "M" + x) });
  const adapts = frame.rY[i] !== null;
  set("circle.r", { cx: x, cy: adapts ? frame.rY[i] : 0, opacity: adapts ? 1 : 0 });
  set("rect.w", { x: x - 4, y: frame.wY[i] - 4 });
  const step = adapts ? `RAdam's step is <b>${frame.r[i]}</b> of Adam's` : "RAdam takes a momentum step";
  return `At step ${value[1]} the second moment is worth ${frame.rho[i]} gradients. ${step}; ` +
    `the linear warm-up over ${frame.length} steps is at <b>${frame.w[i]}</b>.`;
}
