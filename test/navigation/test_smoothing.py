from itertools import pairwise

import numpy as np
import pytest

from vlm3r_ros.navigation.cheapest_ways import cheapest_ways
from vlm3r_ros.navigation.smoothing import smoothed

APART = 1 / 50  # cells between the places at which ways are looked at
CORNER = 0.7  # cells: the corner of a cell may be cut


def prices_along(prices, way):
    places = [
        np.linspace(start, end, int(np.linalg.norm(end - start) / APART) + 2)
        for start, end in pairwise(np.asarray(way, float))
    ]
    rows, columns = np.rint(np.concatenate(places)).astype(int).T
    return prices[rows, columns]


def length(way):
    return np.linalg.norm(np.diff(way, axis=0), axis=1).sum()


def test_a_way_over_one_price_becomes_one_line():
    prices = np.full((30, 40), 1.2)
    cells = cheapest_ways(prices, (2, 3)).way_to((20, 35))
    assert smoothed(prices, cells).tolist() == [[2, 3], [20, 35]]


def test_a_way_of_one_cell_stays():
    assert smoothed(np.ones((3, 3)), np.array([[1, 1]])).tolist() == [[1, 1]]


@pytest.mark.parametrize("seed", range(8))
def test_lines_are_shorter_no_dearer_and_avoid_what_cannot_be_walked_on(seed):
    random = np.random.default_rng(seed)
    prices = np.ones((50, 60))
    for price in (1.2, 3.0, 1.2, -1.0, -1.0):
        row, column = random.integers(5, 36, 2)
        prices[row : row + 12, column : column + 12] = price
    cells = cheapest_ways(prices, (1, 1)).way_to((48, 58))
    way = smoothed(prices, cells)
    assert way[0].tolist() == [1, 1]
    assert way[-1].tolist() == [48, 58]
    assert length(way) < length(cells)
    over, before = prices_along(prices, way), prices_along(prices, cells)
    assert (over < 0).sum() * APART <= CORNER
    assert over[over > 0].sum() <= 1.01 * before.sum()


def test_a_dear_place_that_the_way_goes_round_is_not_cut_through():
    prices = np.ones((41, 41))
    prices[10:31, 10:31] = 20.0
    cells = cheapest_ways(prices, (20, 2)).way_to((20, 38))
    assert (prices_along(prices, smoothed(prices, cells)) > 1).sum() * APART <= CORNER


def test_a_border_of_prices_is_no_reason_for_a_bend():
    prices = np.ones((40, 60))
    prices[:, 30:] = 1.2
    cells = cheapest_ways(prices, (5, 2)).way_to((25, 58))
    way = smoothed(prices, cells)
    assert length(way) < 1.005 * np.linalg.norm(way[-1] - way[0])
