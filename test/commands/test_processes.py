import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vlm3r_ros.commands.processes import ProcessGroup

SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-S",
    "-c",
    "import signal, time\n"
    "for s in (signal.SIGINT, signal.SIGTERM): signal.signal(s, signal.SIG_IGN)\n"
    "print('deaf', flush=True)\n"
    "time.sleep(60)",
]


def wait_for(condition, timeout=10.0) -> bool:
    end = time.monotonic() + timeout
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[-1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_an_interrupt_ends_all_children():
    with ProcessGroup() as group:
        group.start("one", SLEEP)
        group.start("two", SLEEP)
        assert group.running == ["one", "two"]
        started = time.monotonic()
        ended = {each.name for each in group.stop()}
        assert ended == {"one", "two"}
        assert time.monotonic() - started < 5
        assert group.running == []


def test_a_child_that_ignores_signals_is_killed(tmp_path):
    group = ProcessGroup(log_folder=tmp_path)
    group.start("stubborn", STUBBORN)
    assert wait_for(lambda: "deaf" in group.log_tail("stubborn"))
    (ended,) = group.stop(patience=0.3)
    assert ended.code == -signal.SIGKILL
    assert ended.describe() == "stubborn was ended by SIGKILL"


def test_a_child_that_ends_is_told_once_with_its_code_and_last_lines(tmp_path):
    with ProcessGroup(log_folder=tmp_path) as group:
        group.start("failing", [sys.executable, "-S", "-c", "print('why'); raise SystemExit(3)"])
        gone = []
        assert wait_for(lambda: bool(gone.extend(group.ended()) or gone))
        assert [(each.name, each.code) for each in gone] == [("failing", 3)]
        assert gone[0].describe() == "failing ended with exit code 3"
        assert group.log_tail("failing") == "why"
        assert group.ended() == []


def test_a_program_that_is_not_there_is_an_error():
    with ProcessGroup() as group, pytest.raises(FileNotFoundError):
        group.start("nothing", ["/nonexistent/program"])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks the Linux kernel")
def test_children_do_not_outlive_a_killed_parent(tmp_path):
    script = (
        "import subprocess, time\n"
        "from vlm3r_ros.commands.processes import ProcessGroup\n"
        "group = ProcessGroup()\n"
        f"group.start('child', {SLEEP!r})\n"
        "print(group._children['child'].pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert is_alive(child)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    assert wait_for(lambda: not is_alive(child))
