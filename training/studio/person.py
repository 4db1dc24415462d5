"""Who stands in the studio: two people, described by numbers, and the shape that these give.

The shape follows anny's `phenotype_blendshape_weights` (anny/models/phenotype.py): a morph target
counts with the product of the linear interpolation weights of the properties in its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from training.studio.anatomy import data_folder, load_anatomy, load_morph

Colour = tuple[float, float, float]
"""sRGB in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Build:
    """MakeHuman's phenotype, each in [0, 1]."""

    gender: float  # 0 male, 1 female
    age: float  # 2/3 is 25 years, 1 is old
    muscle: float
    weight: float
    height: float
    proportions: float  # 1 is an ideal figure
    race: tuple[float, float, float]  # african, asian, caucasian; any scale
    details: tuple[tuple[str, float], ...] = ()  # further morph targets and their strength


@dataclass(frozen=True, slots=True)
class Outfit:
    """What is worn, in which cut and colours."""

    top: str  # "tee" (short sleeves, stripes) or "jacket" (long sleeves, open over a shirt)
    bottom: str  # "trousers" or "skirt" (with tights)
    hair: str  # "bun" or "crop"
    top_colour: Colour
    top_accent: Colour
    bottom_colour: Colour
    bottom_accent: Colour
    legs_colour: Colour
    shoe_colour: Colour
    sole_colour: Colour
    hair_colour: Colour


@dataclass(frozen=True, slots=True)
class Person:
    """One of the cast."""

    name: str
    build: Build
    skin: Colour
    lips: Colour
    iris: Colour
    outfit: Outfit
    stature_m: float  # barefoot, to the crown


TARGET = Person(
    "target",
    Build(
        gender=0.95, age=0.62, muscle=0.52, weight=0.42, height=0.5, proportions=0.6,
        race=(0.15, 0.15, 0.7),
        details=(
            ("expression/units/caucasian/mouth-corner-puller", 0.55),
            ("eyes/l-eye-scale-incr", 0.3), ("eyes/r-eye-scale-incr", 0.3),
        ),
    ),
    skin=(0.87, 0.66, 0.55), lips=(0.72, 0.27, 0.29), iris=(0.22, 0.42, 0.34),
    outfit=Outfit(
        top="tee", bottom="skirt", hair="bun",
        top_colour=(0.95, 0.92, 0.84), top_accent=(0.13, 0.22, 0.42),
        bottom_colour=(0.76, 0.22, 0.16), bottom_accent=(0.95, 0.75, 0.35),
        legs_colour=(0.12, 0.14, 0.22), shoe_colour=(0.96, 0.94, 0.90),
        sole_colour=(0.83, 0.35, 0.20), hair_colour=(0.40, 0.17, 0.08),
    ),
    stature_m=1.66,
)  # fmt: skip
PERFORMER = Person(
    "performer",
    Build(
        gender=0.04, age=0.70, muscle=0.50, weight=0.52, height=0.5, proportions=0.35,
        race=(0.8, 0.1, 0.1), details=(("expression/units/african/mouth-corner-puller", 0.45),),
    ),
    skin=(0.43, 0.27, 0.18), lips=(0.42, 0.20, 0.17), iris=(0.20, 0.11, 0.06),
    outfit=Outfit(
        top="jacket", bottom="trousers", hair="crop",
        top_colour=(0.18, 0.36, 0.33), top_accent=(0.91, 0.88, 0.80),
        bottom_colour=(0.62, 0.53, 0.40), bottom_accent=(0.48, 0.40, 0.29),
        legs_colour=(0.62, 0.53, 0.40), shoe_colour=(0.27, 0.15, 0.09),
        sole_colour=(0.08, 0.06, 0.05), hair_colour=(0.06, 0.05, 0.05),
    ),
    stature_m=1.86,
)  # fmt: skip
CAST = {person.name: person for person in (TARGET, PERFORMER)}


def shape(person: Person) -> NDArray[np.float64]:
    """The person's rest vertices, shape (V, 3), metres, soles at y = 0, stature as stated."""
    anatomy = load_anatomy()
    vertices = anatomy.vertices.copy()
    for name, weight in morph_weights(person.build):
        numbers, shifts = load_morph(name)
        vertices[numbers] += weight * shifts
    body = vertices[np.unique(anatomy.quads["body"])]
    vertices[:, 1] -= body[:, 1].min()
    return vertices * (person.stature_m / np.ptp(body[:, 1]))


def morph_weights(build: Build) -> list[tuple[str, float]]:
    """Every morph target that this build uses, with its weight."""
    gender = _spread(build.gender, ("male", "female"))
    age = [pair for pair in _spread((build.age * 3 + 1) / 4, _AGES) if pair[0] != "newborn"]
    muscle = _spread(build.muscle, ("minmuscle", "averagemuscle", "maxmuscle"))
    weight = _spread(build.weight, ("minweight", "averageweight", "maxweight"))
    height = _spread(build.height, ("minheight", "maxheight"))
    proportions = _spread(build.proportions, ("idealproportions", "uncommonproportions")[::-1])
    total = sum(build.race)
    races = [
        (n, r / total) for n, r in zip(("african", "asian", "caucasian"), build.race, strict=True)
    ]
    bust = [*_spread(0.45, ("mincup", "averagecup", "maxcup"))]
    firm = [*_spread(0.7, ("minfirmness", "averagefirmness", "maxfirmness"))]
    families = (
        ("macrodetails/universal-{}-{}-{}-{}", (gender, age, muscle, weight)),
        ("macrodetails/{}-{}-{}", (races, gender, age)),
        ("macrodetails/height/{}-{}-{}-{}-{}", (gender, age, muscle, weight, height)),
        ("macrodetails/proportions/{}-{}-{}-{}-{}", (gender, age, muscle, weight, proportions)),
        ("breast/{}-{}-{}-{}-{}-{}", (gender[-1:], age, muscle, weight, bust, firm)),
    )
    folder = data_folder() / "targets"
    found = list(build.details)
    for pattern, properties in families:
        for choice in product(*properties):
            name = pattern.format(*(word for word, _ in choice))
            share = float(np.prod([part for _, part in choice]))
            # Some of the breast targets do not exist, by design: they would be empty.
            if share > 1e-4 and (folder / f"{name}.target.gz").exists():
                found.append((name, share))
    return found


_AGES = ("newborn", "baby", "child", "young", "old")


def _spread(value: float, names: tuple[str, ...]) -> list[tuple[str, float]]:
    """Linear interpolation weights of `value` in [0, 1] between evenly spaced anchors."""
    place = value * (len(names) - 1)
    return [(n, w) for i, n in enumerate(names) if (w := max(0.0, 1 - abs(place - i))) > 0]
