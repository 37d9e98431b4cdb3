"""A slider: Lookahead's share of the variance of SGD by alpha, k and x, from precomputed frames.

Plain HTML with a few lines of JavaScript, so that it works from a file, in Jupyter and in Colab.
Without scripts its first frame stands still; `variance_ratio` is the static figure.
"""

from __future__ import annotations

import json

import torch

from replications.problems.noisy_quadratic import NoisyQuadratic

ALPHAS = tuple(round(0.05 * i, 2) for i in range(1, 21))
KS = (1, 2, 3, 5, 10, 20)
XS = tuple(round(0.05 * i, 2) for i in range(1, 40))
FIRST = (ALPHAS.index(0.5), KS.index(5), XS.index(0.3))
LEFT, TOP, WIDTH, HEIGHT = 34, 8, 320, 150
"""Of the plot, in units of the picture."""


def frames() -> list[list[list[int]]]:
    """Shares in thousandths, [k][alpha][x]."""
    problem = NoisyQuadratic(torch.tensor(XS).double(), torch.ones(len(XS)).double())
    k, alpha = torch.tensor(KS)[:, None], torch.tensor(ALPHAS).double()
    share = problem.lookahead_variance(1.0, alpha, k) / problem.sgd_variance(1.0)
    return (1000 * share).round().int().tolist()


def variance_slider() -> str:
    """The HTML."""
    table = frames()
    i, j, n = FIRST
    points = " ".join(
        f"{_across(x):g},{_down(share):.1f}" for x, share in zip(XS, table[j][i], strict=True)
    )
    ticks = "".join(
        f'<text x="{LEFT - 4}" y="{_down(v) + 4:g}" text-anchor="end">{v / 1000:g}</text>'
        f'<path d="M{LEFT} {_down(v):g}h{WIDTH}" stroke="currentColor" opacity=".2"/>'
        for v in (0, 250, 500, 750, 1000)
    ) + "".join(
        f'<text x="{_across(x):g}" y="{TOP + HEIGHT + 14}" text-anchor="middle">{x:g}</text>'
        for x in (0, 0.5, 1, 1.5, 2)
    )
    controls = "".join(
        f"<label style='display:grid;grid-template-columns:11em 1fr 3.5em;gap:.6em'>{label}"
        f"<input type='range' min='0' max='{len(values) - 1}' value='{first}'/>"
        f"<output>{values[first]:g}</output></label>"
        for label, values, first in (
            ("slow step α", ALPHAS, i),
            ("inner steps k", KS, j),
            ("lr × curvature x", XS, n),
        )
    )
    return f"""<form id="variance-slider" style="max-width:34em;accent-color:#D55E00">
<svg viewBox="0 0 360 190" width="100%" role="img" aria-label="Share of the variance of SGD \
against learning rate times curvature, for the alpha and k below">
<g font-size="10" fill="currentColor" stroke="none">{ticks}
<text x="{LEFT + WIDTH / 2}" y="188" text-anchor="middle">x = γa</text></g>
<g fill="none" stroke="currentColor"><path d="M{LEFT} {TOP}v{HEIGHT}h{WIDTH}"/>
<polyline points="{points}" stroke="#D55E00" stroke-width="2"/></g>
<circle cx="{_across(XS[n]):g}" cy="{_down(table[j][i][n]):.1f}" r="5" fill="#D55E00"/></svg>
{controls}
<p aria-live="polite">Lookahead has <b>{table[j][i][n] / 10:.1f} %</b> of the variance of SGD.</p>
</form>
<script>(() => {{
const f = document.getElementById("variance-slider"), T = {_compact(table)},
 V = {_compact([ALPHAS, KS, XS])},
 R = f.querySelectorAll("input"), O = f.querySelectorAll("output");
f.oninput = () => {{
 const [i, j, n] = [...R].map(r => +r.value), row = T[j][i],
  X = x => {LEFT} + x * {WIDTH // 2}, Y = v => {TOP + HEIGHT} - v * {HEIGHT / 1000};
 [i, j, n].forEach((v, m) => {{
  O[m].value = V[m][v]; R[m].setAttribute("aria-valuetext", V[m][v]);
 }});
 const line = row.map((v, m) => X(V[2][m]) + "," + Y(v)).join(" ");
 f.querySelector("polyline").setAttribute("points", line);
 const c = f.querySelector("circle");
 c.setAttribute("cx", X(V[2][n])); c.setAttribute("cy", Y(row[n]));
 f.querySelector("b").textContent = (row[n] / 10).toFixed(1) + " %";
}}; f.oninput();
}})();</script>"""


def _across(x: float) -> float:
    return LEFT + x * WIDTH / 2


def _down(share: float) -> float:
    return TOP + HEIGHT - share * HEIGHT / 1000


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
