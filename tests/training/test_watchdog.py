"""What is noticed, and when it is said."""

from __future__ import annotations

from training.watchdog import PATIENCE, Watchdog


def dog() -> Watchdog:
    return Watchdog(draw=0.5, won_help="film more", label_help="look at the samples")


def test_a_discriminator_that_has_won_is_named_once_in_a_while() -> None:
    one = dog()
    said = [one.step(step, {"critic": 0.01}) for step in range(3 * PATIENCE + 1)]
    assert [step for step, words in enumerate(said) if words] == [PATIENCE, 2 * PATIENCE, 600]
    assert "the discriminator has won: its loss is 2% of" in str(said[PATIENCE])
    assert str(said[PATIENCE]).endswith("film more")


def test_a_draw_is_no_victory() -> None:
    one = dog()
    assert not any(one.step(step, {"critic": 0.5}) for step in range(1000))
    # One good moment is none, either.
    assert not any(one.step(step, {"critic": 0.0}) for step in range(1000, 1020))


def test_a_discriminator_that_comes_late_gets_as_long_as_any() -> None:
    """The student has none in its first phase."""
    one = dog()
    assert not any(one.step(step, {"total": 1.0}) for step in range(1000))
    said = [one.step(step, {"critic": 0.0}) for step in range(1000, 1001 + PATIENCE)]
    assert [bool(words) for words in said] == [False] * PATIENCE + [True]


def test_an_ignored_label_is_named_after_the_beginning() -> None:
    one = dog()
    assert one.look(10, 0.01, 0.0) is None
    assert "hardly depends on its label (3% " in str(one.look(20, 0.5, 0.03))
    assert one.look(30, 0.5, 0.03) is None
    assert one.look(500, 0.6, 0.9) is None


def test_a_dead_alpha_is_named_and_one_that_covers_the_room() -> None:
    one = dog()
    assert one.alpha(10, 0.01, 0.0, 0.0) is None
    assert "alpha is dead: 0.03 on the person" in str(one.alpha(20, 0.5, 0.03, 0.0))
    assert one.alpha(30, 0.5, 0.03, 0.0) is None
    assert "alpha is 0.90 where nobody is" in str(one.alpha(300, 0.5, 0.95, 0.9))
    assert one.alpha(600, 0.5, 0.95, 0.02) is None and one.alpha(900, 0.5, None, None) is None
