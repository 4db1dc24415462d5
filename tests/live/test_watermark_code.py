"""The payload and its error correction."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.watermark_code import CODED, decode, encode
from live.watermark_payload import BITS, EPOCH, Payload, unpack

PAYLOADS = st.builds(
    lambda number, days: Payload(f"{number:06x}", EPOCH + datetime.timedelta(days)),
    st.integers(0, 2**24 - 1),
    st.integers(0, 2**16 - 1),
)


@given(PAYLOADS)
def test_a_payload_comes_back(payload: Payload) -> None:
    bits = payload.pack()
    assert bits.shape == (BITS,)
    assert unpack(bits) == payload
    assert unpack(decode(encode(bits).astype(np.float32) * 2 - 1)) == payload


@given(PAYLOADS, st.sets(st.integers(0, BITS - 1), min_size=1, max_size=2))
def test_a_wrong_bit_is_noticed(payload: Payload, wrong: set[int]) -> None:
    bits = payload.pack()
    bits[list(wrong)] ^= 1
    assert unpack(bits) is None


@pytest.mark.parametrize("subject", ["", "12345", "1234567", "ghijkl"])
def test_a_subject_that_is_no_hash_is_refused(subject: str) -> None:
    with pytest.raises(ValueError, match=r"subject|literal"):
        Payload(subject, EPOCH)


def test_a_day_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        Payload("abcdef", datetime.date(2019, 12, 31))


def test_a_payload_names_the_bundle_by_the_beginning_of_its_hash() -> None:
    assert Payload.of("ABCDEF0123", EPOCH).subject == "abcdef"


def test_an_eighth_of_the_coded_bits_may_be_wrong() -> None:
    rng = np.random.default_rng(0)
    payload = Payload("c0ffee", datetime.date(2026, 3, 1))
    coded = encode(payload.pack())
    for _ in range(50):
        heard = coded.astype(np.float32) * 2 - 1
        heard[rng.choice(CODED, CODED // 8, replace=False)] *= -1
        assert unpack(decode(heard)) == payload


def test_soft_values_tell_more_than_hard_ones() -> None:
    rng = np.random.default_rng(1)
    payload = Payload("c0ffee", datetime.date(2026, 3, 1))
    coded = encode(payload.pack()).astype(np.float32) * 2 - 1
    soft_read, hard_read = 0, 0
    for _ in range(40):
        heard = (coded + rng.normal(0, 1.2, CODED)).astype(np.float32)
        soft_read += unpack(decode(heard)) == payload
        hard_read += unpack(decode(np.sign(heard))) == payload
    assert soft_read > 30 and soft_read > hard_read


def test_noise_says_nothing() -> None:
    rng = np.random.default_rng(2)
    heard = rng.normal(size=(300, CODED)).astype(np.float32)
    assert [unpack(decode(one)) for one in heard] == [None] * 300


def test_every_distance_of_the_code_is_at_least_24() -> None:
    """Of the code's words with one or two bits set, whatever their places: it is linear."""
    for other in range(BITS):
        bits = np.zeros(BITS, np.uint8)
        bits[[0, other]] = 1
        assert encode(bits).sum() >= 24
