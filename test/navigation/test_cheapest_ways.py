import numpy as np
import pytest
from skimage.graph import MCP_Geometric

from vlm3r_ros.navigation.cheapest_ways import cheapest_ways

PRICES = [1.0, 1.2, 3.0, 3.6, 12.0, 14.4, -1.0, np.inf]


def random_prices(seed):
    random = np.random.default_rng(seed)
    prices = random.choice(PRICES, random.integers(1, 50, 2))
    row, column = random.integers(prices.shape).tolist()
    prices[row, column] = random.choice([1.0, 3.6])
    return prices, (row, column)


@pytest.mark.parametrize("seed", range(20))
def test_costs_are_those_of_another_search(seed):
    prices, start = random_prices(seed)
    ways = cheapest_ways(prices, start)
    expected, _ = MCP_Geometric(np.where(np.isfinite(prices), prices, -1)).find_costs([start])
    np.testing.assert_allclose(ways.costs, expected, rtol=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_a_way_goes_from_cell_to_neighbour_and_costs_what_is_said(seed):
    prices, start = random_prices(seed)
    ways = cheapest_ways(prices, start)
    for row, column in np.argwhere(np.isfinite(ways.costs))[::7].tolist():
        way = ways.way_to((row, column))
        assert way[0].tolist() == list(start)
        assert way[-1].tolist() == [row, column]
        steps = np.diff(way, axis=0)
        assert (np.abs(steps).max(axis=1, initial=0) <= 1).all()
        price = prices[way[:, 0], way[:, 1]]
        cost = (np.linalg.norm(steps, axis=1) * (price[1:] + price[:-1]) / 2).sum()
        assert cost == pytest.approx(ways.costs[row, column])


def test_prices_that_round_badly_change_nothing():
    prices = np.random.default_rng(0).choice([0.1, 0.3, 0.7, -1.0], (40, 40))
    prices[20, 20] = 0.1
    expected, _ = MCP_Geometric(prices).find_costs([(20, 20)])
    np.testing.assert_allclose(cheapest_ways(prices, (20, 20)).costs, expected, rtol=1e-9)


def test_nothing_is_reached_from_where_one_cannot_be_or_through_walls():
    prices = np.ones((5, 7))
    prices[:, 3] = -1
    ways = cheapest_ways(prices, (2, 1))
    assert np.isfinite(ways.costs[:, :3]).all()
    assert np.isinf(ways.costs[:, 3:]).all()
    assert ways.way_to((2, 5)).shape == (0, 2)
    assert np.isinf(cheapest_ways(prices, (2, 3)).costs).all()
