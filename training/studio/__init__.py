"""The studio: films of two rendered people, with the exact truth that no real footage has.

`python -m training.studio --help`. From anatomy to film:
anatomy -> person -> figure (dressed) ; choreography -> footwork -> puppet (posed) ;
room + raster + shade -> renderer -> film.
"""
