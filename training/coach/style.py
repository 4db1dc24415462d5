"""How the report looks: one style sheet, legible in dark and in light."""

from __future__ import annotations

CSS = """
:root { color-scheme: light dark; --paper: #faf9f6; --ink: #1d1c1a; --faint: #6b675f;
  --line: #dedad1; --card: #fff; --good: #1c7a4a; --some: #a86a00; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --paper: #161514; --ink: #eceae5; --faint: #a39e94;
  --line: #35322e; --card: #201f1d; --good: #5cc48e; --some: #e8ae4a; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1rem; font-weight: 500; color: var(--faint); margin: 0; }
h2 { font-size: 1.15rem; margin: 2.75rem 0 .75rem; }
p { margin: .4rem 0; } .faint { color: var(--faint); } small { color: var(--faint); }
.verdict { font-size: 2.4rem; line-height: 1.15; font-weight: 650; margin: .2rem 0 .6rem; }
.good { color: var(--good); } .some { color: var(--some); } .bad { color: var(--bad); }
.headline { font-size: 1.1rem; max-width: 46rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .75rem;
  margin: 1.5rem 0 0; padding: 0; }
.facts div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .6rem .8rem; }
.facts dt { color: var(--faint); font-size: .82rem; } .facts dd { margin: 0; font-size: 1.25rem; }
ol.next { padding-left: 1.6rem; } ol.next li { margin: .7rem 0; padding-left: .3rem; }
ol.next b { display: block; font-weight: 600; } ol.next li::marker { color: var(--faint); }
details { margin-top: .75rem; } summary { cursor: pointer; color: var(--faint); }
.poses { display: grid; gap: .75rem;
  grid-template-columns: repeat(auto-fill, minmax(9.2rem, 1fr)); }
.pose { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  overflow: hidden; display: flex; flex-direction: column; }
.pose .still { height: 168px; display: flex; align-items: center; justify-content: center;
  background: var(--line); color: var(--faint); font-size: .85rem; }
.pose .still img { height: 168px; max-width: 100%; object-fit: contain; }
.pose .words { padding: .5rem .65rem .65rem; font-size: .86rem; line-height: 1.3; }
.bar { height: 5px; border-radius: 3px; background: var(--line); margin: .4rem 0 .3rem; }
.bar i { display: block; height: 5px; border-radius: 3px; background: currentColor; }
.strip { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
figure { margin: 0; max-width: 100%; } figure img { border-radius: .4rem; max-width: 100%; }
figcaption { color: var(--faint); font-size: .82rem; max-width: 26rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
td, th { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--faint); font-size: 11px; }
"""
