import sys
from collections.abc import Iterator

import pytest
from node_bench import Bench

from vlm3r_ros.nodes.diagnostics import Diagnostics


@pytest.fixture(scope="session", autouse=True)
def localhost_only() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
        # Reports come once a second; tests that wait for one need not.
        patch.setattr(Diagnostics, "PERIOD", 0.1)
        # As in a process of nodes; here all of them and the tests share one.
        interval = sys.getswitchinterval()
        sys.setswitchinterval(0.001)
        yield
        sys.setswitchinterval(interval)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    bench = Bench()
    # For the processes that a test starts.
    monkeypatch.setenv("ROS_DOMAIN_ID", str(bench.domain))
    yield bench
    bench.close()
