(svg, [k, step], [window], data) => {
  const frame = data.frames[k][Math.floor(step / window)];
  svg.querySelector("g.frame").innerHTML = frame.svg;
  svg.querySelector("path.now").setAttribute("d", `M${data.left + data.box * (step + 1)} 18V232`);
  return frame.sentence;
}
