"""The footage coach: says in plain words whether the footage is enough, and what to film next."""
