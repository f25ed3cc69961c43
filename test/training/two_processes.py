"""Runs `vlm3r train instruct` on two processes, as `accelerate launch` does, importing once."""

import sys

import torch
from accelerate import debug_launcher
from typer.testing import CliRunner

# Imported before the processes part, so that it is done once.
import vlm3r_ros.training.instruct.distributed
from vlm3r_ros.commands.train import train_app

assert vlm3r_ros.training.instruct.distributed


def train(config: str, out: str) -> None:
    done = CliRunner().invoke(train_app, ["instruct", "--config", config, "--out", out])
    assert done.exit_code == 0, done.output


if __name__ == "__main__":
    torch.set_num_threads(1)
    debug_launcher(train, args=tuple(sys.argv[1:3]), num_processes=2)
