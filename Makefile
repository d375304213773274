# Horde. `make run` starts everything on this machine; `make test` proves it.

GO      ?= go
BIN      = bin/horde
LDFLAGS ?= -s -w

.DEFAULT_GOAL := build
.PHONY: build ui text run test test-fast test-kill test-faults test-adversary soak lint style bench clean

## build: the page, ONNX Runtime, a text engine where it can be had, and the program, at bin/horde
build: ui bin/libonnxruntime.so text
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/horde

## ui: the web page, embedded by the next build
ui: web/node_modules/.installed
	cd web && npm run --silent build

web/node_modules/.installed: web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund --silent
	touch $@

bin/libonnxruntime.so:
	scripts/fetch-onnxruntime.sh bin

## text: llama.cpp's server and a small language model, 163 MB in bin/text; images work without
text:
	@scripts/install-text-engine.sh bin/text || echo "without a text engine: horde up generates images only"

## run: build, then server and worker in one process; opens the browser
run: build
	$(BIN) up

## test: everything, on SQLite and PostgreSQL, with a browser; installs what it needs
test: build
	scripts/test.sh

## test-fast: the inner loop: every package, without services, long runs, whole programs and the model
test-fast:
	$(GO) test -vet=off -short -p 4 $(LONGEST) $$($(GO) list ./... | grep -v -e /e2e -e /engine/pocket)

# What takes longest begins first, so that nothing is left to wait for alone at the end.
LONGEST = ./internal/cli ./internal/node ./internal/queue ./internal/alchemy ./internal/bench

## test-kill: the long form of the crash test
test-kill: build
	HORDE_KILLS=20 HORDE_TEST_POSTGRES="$$(scripts/postgres.sh start)" $(GO) test -count=1 -timeout 30m -run TestKill -v ./e2e

## test-faults: nodes frozen, databases stopped, killed, cut off and failed over, a full disk
test-faults: build
	HORDE_FAULTS=6 HORDE_E2E_BINARY=$(CURDIR)/$(BIN) HORDE_TEST_POSTGRES="$$(scripts/postgres.sh start)" \
	$(GO) test -count=1 -timeout 30m -parallel 1 -v \
	-run 'TestFrozenNodeBlocksNobody|TestDatabaseComesBack|TestFailover|TestDiskFullAndFreed' ./e2e

## soak: half of what this machine can do for SOAK_MINUTES (20); memory, goroutines and descriptors by the minute
soak: build
	scripts/soak.sh

## test-adversary: every class of attack at full length, and a table of what an honest client feels
test-adversary: build
	HORDE_E2E_BINARY=$(CURDIR)/$(BIN) HORDE_ADVERSARY=whole $(GO) test -count=1 -timeout 60m -v ./e2e/adversary

## lint: formatting, vet, staticcheck, borders between packages, contexts, line lengths
lint:
	scripts/lint.sh

## style: how long functions are, and whether they have paragraphs
style:
	$(GO) -C tools run ./style

## bench: the figures of docs/performance.md, again on this machine
bench: build
	scripts/bench.sh

clean:
	rm -rf bin web/dist/assets web/dist/index.html
