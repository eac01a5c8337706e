# `make` alone lists what can be made. Everything that is needed besides Go, git and make is built
# from pinned source (tools/go.mod).

GO       ?= go
FUZZTIME ?= 30s
ARGS     ?=

# --- version ------------------------------------------------------------------------------------
# Our own version comes from git; without a tag it is v0.1.0-dev+<commit>.
#
# It goes into internal/version, which --version prints, and into the user agent. But
# k8s.io/component-base/version must keep saying the *Kubernetes* version: the feature gates go by
# it, and with v0.1.0 there nearly all of them are off and the scheduler refuses to start. So ours
# travels behind the plus sign there, where a semantic version keeps what is not to be compared:
# the metric kubernetes_build_info says v1.36.3+kubenexus-v0.1.0.
COMMIT      = $(shell git rev-parse --verify --quiet HEAD 2>/dev/null || echo unknown)
TREE_STATE  = $(if $(shell git status --porcelain 2>/dev/null),dirty,clean)
GIT_VERSION = $(shell git describe --tags --match 'v[0-9]*' --abbrev=12 2>/dev/null || \
                echo "v0.1.0-dev+$$(git rev-parse --verify --quiet --short=12 HEAD 2>/dev/null || echo unknown)")
VERSION    ?= $(GIT_VERSION)$(if $(filter dirty,$(TREE_STATE)),-dirty)
# The commit's date, not today's: the same commit gives the same bytes.
BUILD_DATE  = $(shell TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null || \
                echo 1970-01-01T00:00:00Z)

KUBE_VERSION := $(shell awk '$$1 == "k8s.io/kubernetes" { print $$2; exit }' go.mod)
KUBE_NUMBERS := $(subst ., ,$(KUBE_VERSION:v%=%))
OURS          = github.com/kubenexus/kubenexus-scheduler/internal/version
KUBE          = k8s.io/component-base/version
CLIENT        = k8s.io/client-go/pkg/version

LDFLAGS = -s -w \
	-X $(OURS).release=$(VERSION) \
	-X $(KUBE).gitVersion=$(KUBE_VERSION)+kubenexus-$(subst +,.,$(VERSION)) \
	-X $(KUBE).gitMajor=$(word 1,$(KUBE_NUMBERS)) \
	-X $(KUBE).gitMinor=$(word 2,$(KUBE_NUMBERS)) \
	-X $(KUBE).gitCommit=$(COMMIT) \
	-X $(KUBE).gitTreeState=$(TREE_STATE) \
	-X $(KUBE).buildDate=$(BUILD_DATE) \
	-X $(CLIENT).gitVersion=$(VERSION) \
	-X $(CLIENT).gitCommit=$(COMMIT)

# -buildvcs=false: the version is in the flags above, and a build without access to .git still works.
BUILD = CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)'

LINT   := bin/golangci-lint
NOTICE  = @echo 'Compiling: the first time takes about 6 minutes on 2 cores; later runs take seconds.' >&2

.DEFAULT_GOAL := help
.PHONY: help demo test build bench bench-short lint fmt fuzz verify verify-fmt verify-tidy vet ci version clean

help: ## Show this list
	@echo 'Usage: make <target>'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: ## Watch gangs start all together or not at all, on a control plane inside the process (ARGS=... is passed on)
	$(NOTICE)
	$(GO) run ./cmd/kubenexus demo $(ARGS)

test: ## Run all tests
	$(NOTICE)
	$(GO) test -timeout 15m ./...

build: ## Build kubenexus-scheduler and kubenexus into bin/: static, stripped, reproducible
	$(NOTICE)
	$(BUILD) -o bin/kubenexus-scheduler ./cmd/scheduler
	$(BUILD) -o bin/kubenexus ./cmd/kubenexus

# Without -trimpath: that would compile everything once more, and profiles could not show the source.
BENCH       = $(GO) build -buildvcs=false
BENCH_STOCK = -X $(KUBE).gitVersion=$(KUBE_VERSION) -X $(KUBE).gitMajor=$(word 1,$(KUBE_NUMBERS)) \
	-X $(KUBE).gitMinor=$(word 2,$(KUBE_NUMBERS))

.PHONY: bench-build
bench-build:
	$(NOTICE)
	@mkdir -p bin/bench
	$(BENCH) -ldflags '$(LDFLAGS)' -o bin/bench/kubenexus-scheduler ./cmd/scheduler
	$(BENCH) -ldflags '-s -w $(BENCH_STOCK)' -o bin/bench/kube-scheduler k8s.io/kubernetes/cmd/kube-scheduler
	$(BENCH) -o bin/bench/ ./bench ./bench/plane ./bench/raw

bench: bench-build ## Measure this and the upstream scheduler side by side: hours; results in bench/results (ARGS=--help)
	bin/bench/bench $(ARGS)

bench-short: bench-build ## The same with few pods in under 3 minutes: a first impression (ARGS=... is passed on)
	bin/bench/bench --name short --nodes 100 --pods 1000 --stock-gang-pods 500 --runs 1 --waiting-pods 2000 \
		--stream-pods 1000 --repetitions 5 --timeout 30s --contenders raw,stock,stock-gang,ours/plain,ours/gang-100 $(ARGS)

lint: $(LINT) ## Run the linters (ARGS=--fix repairs what can be repaired)
	$(LINT) run $(ARGS) ./...

fmt: $(LINT) ## Format the Go code
	$(LINT) fmt

fuzz: ## Fuzz the annotation parser (FUZZTIME=30s)
	$(GO) test -run '^$$' -fuzz '^FuzzParse$$' -fuzztime $(FUZZTIME) ./pkg/gang

verify: verify-fmt verify-tidy vet lint ## Check format, go.mod, vet and linters; changes nothing, fails on any finding

verify-fmt:
	@echo 'gofmt -l .'
	@files=$$(gofmt -l .) && if [ -n "$$files" ]; then echo "Not formatted (see make fmt):"; echo "$$files"; exit 1; fi >&2

verify-tidy:
	$(GO) mod tidy -diff
	$(GO) -C tools mod tidy -diff

vet:
	$(GO) vet ./...

ci: ## What runs for every change: verify, then test
	.ci/run

version: ## Print the version that a build would have
	@echo $(VERSION)

clean: ## Remove what was built
	rm -rf bin

# The linter comes from a module of its own, so that what it needs never meets what we ship.
$(LINT): tools/go.mod tools/go.sum
	$(GO) -C tools build -trimpath -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
