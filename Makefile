# make demo [INPUT=path]   install into .venv, then answer questions about a clip while it streams;
#                          INPUT is a folder of pictures, a video or a ROS bag of your own
# make test                install, then lint, types and tests
# make lint                lint and types only
# make train-nano          train nano from nothing into TRAIN (training/); hours, can be interrupted
# make install             install only
# make clean               remove .venv and everything that was built

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help demo test lint install train-nano clean

# Nothing of an outer environment: another venv, or a ROS installation that was sourced.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV LD_LIBRARY_PATH _ROS_WHEELS_BOOTSTRAP_COMPLETE
unexport AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH PIP_REQUIRE_VIRTUALENV

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INPUT ?=
TRAIN ?= training
CONFIG ?= config/training

# What the installed package is made of, modules aside: those are used where they are.
PACKAGE_FILES := pyproject.toml setup.py CMakeLists.txt package.xml \
  $(shell find cmake config launch msg rviz srv -type f -not -name '*.pyc')

help:
	@sed -n 's/^# \{0,1\}//p;/^$$/q' Makefile

demo: install
	$(BIN)/vlm3r demo $(if $(INPUT),--input '$(INPUT)')

test: lint
	$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

install: $(VENV)/.installed

$(VENV)/.created:
	@$(if $(PYTHON),,echo 'No python3.11 found: install Python 3.11, or make PYTHON=/path/to/python3.11' >&2; exit 1)
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "$(PYTHON) is $$($(PYTHON) --version), and Python 3.11, 3.12 or 3.13 is needed:" >&2; \
	  echo 'install python3.11, or make PYTHON=/path/to/python3.11' >&2; exit 1; }
	@echo '[1/3] $(VENV) with $(PYTHON)'
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

# The build requirements are installed as well, so that the package below is built against them.
$(VENV)/.requirements: $(VENV)/.created constraints.txt requirements.txt requirements-ros.txt pyproject.toml
	@echo '[2/3] libraries, as pinned in constraints.txt (the first time this takes minutes)'
	@$(BIN)/python -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb")); \
	  e = p["project"]["optional-dependencies"]; \
	  extras = [r for x in ("onnx", "parquet", "ray", "test") for r in e[x]]; \
	  print(*p["build-system"]["requires"], *extras, sep="\n")' \
	  > $(VENV)/requirements-build.txt
	@$(PIP) install -c constraints.txt \
	  -r requirements.txt -r requirements-ros.txt -r $(VENV)/requirements-build.txt \
	  | sed -u '/^Requirement already satisfied/d'
	@touch $@

$(VENV)/.installed: $(VENV)/.requirements $(PACKAGE_FILES)
	@echo '[3/3] vlm3r_ros: messages, nodes, the vlm3r command'
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(PIP) install --quiet --no-build-isolation --no-deps -e .
	@touch $@

# A stage that is done is left at once; one that was interrupted goes on.
train-nano: install
	$(BIN)/vlm3r train geometry --config '$(CONFIG)/geometry.yaml' --out '$(TRAIN)/geometry'
	$(BIN)/vlm3r train vision --config '$(CONFIG)/vision.yaml' --out '$(TRAIN)/vision'
	$(BIN)/vlm3r train instruct --config '$(CONFIG)/instruct.yaml' --out '$(TRAIN)/instruct' \
	  --geometry '$(TRAIN)/geometry/model' --vision '$(TRAIN)/vision/model'
	@echo "The model is in $(TRAIN)/instruct/model: use it by that name, or copy it to vlm3r_ros/weights/nano"

clean:
	rm -rf $(VENV) build install log dist *.egg-info demo_output
	rm -rf .mypy_cache .pytest_cache .ruff_cache
	rm -rf vlm3r_ros/msg vlm3r_ros/srv vlm3r_ros/*.so
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
