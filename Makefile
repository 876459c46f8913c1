# Playproof's run-book. `make` alone lists it. Every target is a thin call of a command that also works by itself.
# Paths are relative, so the checkout may lie anywhere, in a folder with spaces too.
PYTHON ?= python3
RUN := .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help setup demo up down status logs console produce live dash media notebook train train-days lab daily bench calibrate leakscan doctor test lint clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: .venv/.packages jars/.checked ## environment, locked packages, Java if there is none, JVM jars with checked hashes
	@:

.venv/.packages: requirements.lock ops/setup/bootstrap.py
	@echo "setting up: packages (a first time takes a few minutes)"
	@$(PYTHON) ops/setup/bootstrap.py
	@touch $@

jars/.checked: ivy.xml jars.sha256 .venv/.packages
	@echo "setting up: Java and the JVM jars"
	@$(RUN) -m ops setup-jars
	@touch $@

demo: setup ## the whole thing in a few minutes: broker, job, live plot, an attack, a summary
	@$(RUN) -m ops demo

up: setup ## start broker and Spark job in the background
	@$(RUN) -m ops up

down: setup ## stop them
	@$(RUN) -m ops down

status: setup ## what runs, how it fares, and where
	@$(RUN) -m ops status

logs: setup ## the last lines of every log
	@$(RUN) -m ops logs

console: setup ## follow the Spark job's console
	@$(RUN) -m ops console

produce: setup ## replay a world's events into the topics
	@$(RUN) -m ops replay --metrics

live: setup ## the live plot
	@$(RUN) -m consumer_viz live --metrics

dash: setup ## the analyst's pages: queue, cases, verdicts, quality, health
	@$(RUN) -m consumer_viz dash --metrics

media: setup ## the pictures of the documents, from the demo's world (needs a Chromium)
	@$(RUN) -m tests.browser.take_pictures
	@$(RUN) -m ops media

notebook: setup .venv/.notebook ## open the notebooks in JupyterLab
	@$(RUN) -m jupyterlab --ServerApp.ip=127.0.0.1 $(if $(filter 0,$(shell id -u)),--allow-root) notebooks

.venv/.notebook: requirements-notebook.lock .venv/.packages
	@echo "setting up: JupyterLab"
	@$(RUN) -m pip install --quiet --disable-pip-version-check --requirement requirements-notebook.lock
	@touch $@

LABELS ?= truth
train: setup ## simulate a world and train the model; LABELS=verdicts: a challenger, on what analysts decided
ifeq ($(LABELS),verdicts)
	@$(RUN) -m models train --labels verdicts --register
else
	@$(RUN) -m ops simulate --world train --scenario train --users 6000 --days 24 --seed 11
	@$(RUN) -m spark_app training-table --world train --since 2025-03-15 --out data/train/table
	@$(RUN) -m models train
endif

train-days: setup ## train the trees of the user-day detector, on a world that the lab never sees
	@$(RUN) -m ops simulate --world train-days --scenario lab --users 6000 --days 42 --seed 31
	@$(RUN) -m spark_app user-days --world train-days --source raw
	@$(RUN) -m models train-days

daily: setup ## suspected user-days, campaigns, tracks and accounts of a world, with a report
	@$(RUN) -m spark_app user-days
	@$(RUN) -m models daily

LAB_USERS ?= 2500
LAB_DAYS ?= 49
LAB_PARTS ?= 2
lab: setup ## which technique picks the bots out best? two worlds, their tables, every technique, figures, docs/studies/lab.md
	@$(RUN) -m ops simulate --world lab --scenario lab --users $(LAB_USERS) --days $(LAB_DAYS) --seed 21
	@$(RUN) -m ops simulate --world lab-hard --scenario lab-hard --seed 22
	@for world in lab lab-hard; do \
	  $(RUN) -m spark_app user-days --world $$world --source raw && \
	  $(RUN) -m spark_app training-table --world $$world --out data/$$world/table || exit 1; done
	@$(RUN) -m models netflix --world lab & netflix=$$!; \
	  $(RUN) -m models lab --world lab --other lab-hard --parts $(LAB_PARTS) --page docs/studies/lab.md && wait $$netflix

calibrate: setup ## simulated listening against published numbers
	@$(RUN) -m ops calibrate

leakscan: setup ## does any one column give the bots away?
	@$(RUN) -m ops leakscan

bench: setup ## measure rows a second against a minimal Spark job
	@$(RUN) -m ops bench

doctor: setup ## what is missing on this machine, and its cure
	@$(RUN) -m ops doctor

lint: setup ## style, types, import arrows
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@.venv/bin/lint-imports

test: lint ## everything: style, types, import arrows, tests on a real broker and a real Spark
	@$(RUN) -m pytest -q --numprocesses 2 --no-loadscope-reorder

clean: ## remove what setup made; data stays
	rm -rf .venv jars jre .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
