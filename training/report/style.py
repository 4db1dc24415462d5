"""How the report looks: the footage report's paper and ink, and what only this one has."""

from __future__ import annotations

from training.coach.style import CSS as PAPER

CSS = (
    PAPER
    + """
main { max-width: 76rem; }
h3 { font-size: .95rem; font-weight: 600; margin: 1.25rem 0 .3rem; }
.said { list-style: none; padding: 0; margin: 1rem 0 0; }
.said li { margin: .3rem 0; padding-left: 1.1rem; position: relative; color: var(--ink); }
.said li::before { content: ""; position: absolute; left: 0; top: .55em; width: .6rem;
  height: .6rem; border-radius: 50%; background: var(--line); }
.said li.good::before { background: var(--good); }
.said li.some::before { background: var(--some); }
.said li.bad::before { background: var(--bad); }
.film { display: grid; gap: 3px; grid-template-columns: minmax(0, 1fr); }
.film .row { display: flex; gap: 3px; align-items: center; }
.film .row > b { flex: 0 0 6.2rem; font-size: .8rem; font-weight: 500; line-height: 1.25;
  color: var(--faint); text-align: right; padding-right: .6rem; overflow-wrap: anywhere; }
.film img { flex: 1 1 0; min-width: 0; border-radius: 2px; display: block; }
.worst { display: grid; gap: 1.25rem 1.5rem;
  grid-template-columns: repeat(auto-fill, minmax(24rem, 1fr)); }
.worst .four { display: flex; gap: 3px; }
.worst .four img { flex: 1 1 0; min-width: 0; border-radius: 2px; }
.worst b { font-weight: 600; color: var(--ink); }
.wide { overflow-x: auto; }
table { font-variant-numeric: tabular-nums; }
td, thead th { text-align: right; white-space: nowrap; padding: .3rem .5rem; }
thead th { font-weight: 500; color: var(--faint); font-size: .82rem; }
tbody th { font-weight: 400; white-space: nowrap; }
tr.ours th { font-weight: 650; } tr.ours td.good, tr.ours td.bad { font-weight: 600; }
.curves { display: grid; gap: 1.25rem 1.5rem;
  grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); }
.curve figcaption { display: flex; justify-content: space-between; gap: .5rem; max-width: none; }
.curve figcaption b { font-weight: 500; } .curve figcaption span { color: var(--ink); }
.curve .line { fill: none; stroke: var(--good); stroke-width: 1.6; stroke-linejoin: round; }
.curve .axis { stroke: var(--line); } .curve .end { fill: var(--good); }
"""
)
