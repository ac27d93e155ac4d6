# `make run` and `make test` are all that a newcomer needs; `make help` lists the rest.
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.setup-stamp

.PHONY: help setup run test web lint avatars gallery fuzz bench clean
help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  \1\t/'

setup: $(STAMP) web ## virtual environment, Python packages, web client

$(STAMP): pyproject.toml tools/setup.sh
	@bash tools/setup.sh $(VENV)
	@touch $@

WEB_SOURCES := $(shell find webxr_client -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)
web: server/likeness/web/index.html ## build the page into the package
server/likeness/web/index.html: $(WEB_SOURCES) $(STAMP)
	@bash tools/build_web.sh $(VENV)

run: setup ## start the server with the embedded defaults
	@$(VENV)/bin/likeness serve

test: setup ## lint, types, import contract, unit and end-to-end tests
	@bash tools/test.sh $(VENV)

lint: $(STAMP) ## ruff, pyright, import-linter
	@$(VENV)/bin/ruff check server tools tests examples && $(VENV)/bin/ruff format --check server tools tests examples
	@$(VENV)/bin/pyright --pythonpath $(PY)
	@$(VENV)/bin/lint-imports

fuzz: setup ## millions of new wrong inputs at every door (half an hour; FUZZ=20: times those of `make test`)
	@LIKENESS_FUZZ=$(or $(FUZZ),20) $(PY) -m pytest -k "random or thousand or changed"

avatars: setup ## build the open head and the cast from code, with portraits (a few minutes)
	@$(PY) -m tools.head.build && $(PY) -m tools.head.gallery portraits

gallery: setup ## contact sheets of the cast and the 52 controls into docs/gallery
	@$(PY) -m tools.head.gallery cast controls visemes lighting

clean: ## remove everything that setup made
	rm -rf $(VENV) $(VENV)-tracking webxr_client/node_modules server/likeness/web server/likeness/v1 artifacts
