"""Fingerprints: near for alike pictures, far for others."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kit.vision.frames import decode_jpeg, encode_jpeg
from kit.watching.likeness import BITS, differing_bits, fingerprint
from tests.watching.make import picture

ALIKE = 4


def test_the_same_picture_has_the_same_fingerprint():
    assert fingerprint(picture(1)) == fingerprint(picture(1))


def test_noise_light_and_jpeg_hardly_change_it():
    image = picture(2)
    noise = np.random.default_rng(0).normal(0, 8, image.shape)
    darker = np.clip(image * 0.7 + 10 + noise, 0, 255).astype(np.uint8)
    again = decode_jpeg(encode_jpeg(darker, 40))
    assert differing_bits(fingerprint(image), fingerprint(again)) <= ALIKE


def test_another_view_has_another_one():
    assert differing_bits(fingerprint(picture(3)), fingerprint(picture(4))) > 2 * ALIKE


def test_a_mirrored_picture_is_another_view():
    image = picture(5)
    assert differing_bits(fingerprint(image), fingerprint(cv2.flip(image, 1))) > 2 * ALIKE


@given(st.integers(0, 2**BITS - 1), st.integers(0, 2**BITS - 1))
def test_the_distance_is_symmetric_and_nought_only_for_the_same(one, other):
    distance = differing_bits(one, other)
    assert distance == differing_bits(other, one)
    assert 0 <= distance <= BITS
    assert (distance == 0) == (one == other)
