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

LINT      := bin/golangci-lint
KUSTOMIZE := bin/kustomize
PROMETHEUS = bin/prometheus bin/promtool
# The packages that make the web page, and drive a browser in its tests, if there is npm.
PAGE_PACKAGES = $(if $(shell command -v npm),web/node_modules/.package-lock.json)
NOTICE  = @echo 'Compiling: the first time takes about 6 minutes on 2 cores; later runs take seconds.' >&2

.DEFAULT_GOAL := help
.PHONY: help demo picture reference test test-race build bench bench-short lint fmt fuzz manifests verify verify-fmt verify-tidy verify-manifests verify-client vet ci version clean

help: ## Show this list
	@echo 'Usage: make <target>'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: ## Watch gangs start all together or not at all, on a control plane inside the process (ARGS=... is passed on)
	$(NOTICE)
	$(GO) run ./cmd/kubenexus demo $(ARGS)

picture: ## Draw docs/pictures/demo.svg, the picture in README.md, from a run of the demo
	$(NOTICE)
	$(GO) test -count=1 -run '^TestDrawTheDemo$$' ./test/demo -draw

reference: ## Write docs/reference from the code, and pkg/client from that; the tests and verify fail when it is stale
	$(GO) test -count=1 -run '^TestReference' ./internal/reference ./internal/rest ./test/demo -update
	$(OAPI_CODEGEN) -o ../../pkg/client/client.gen.go ../../docs/reference/openapi.json

# The Go client is made from the description of the REST API. docs/adr/0025-a-generated-client.md.
OAPI_CODEGEN = $(GO) -C tools/client tool oapi-codegen -config config.yaml

test: $(PROMETHEUS) ## Run all tests (those of the web page need Node.js and Chromium, and say so)
	$(NOTICE)
	@$(if $(PAGE_PACKAGES),$(MAKE) --no-print-directory $(PAGE_PACKAGES) || \
		echo 'The packages of the web page could not be installed: its tests are skipped.' >&2)
	$(GO) test -timeout 30m ./...

# The race detector needs a C compiler, which nothing else here does: without one this says so and does nothing. With -short, because
# more random clusters find no more races.
RACE           = CGO_ENABLED=1 GORACE='halt_on_error=1 exitcode=66' $(GO)
RACE_PACKAGES  = $(shell $(GO) list ./pkg/... ./internal/... | grep -vE '/internal/(controlplane|demo)')
C_PROGRAM      = '\#include <pthread.h>\n\#include <stdlib.h>\nint main(void) { return 0; }\n'

test-race: ## Run the unit tests and the scenarios with the race detector (needs a C compiler)
	@if printf $(C_PROGRAM) | $$($(GO) env CC) -x c -o /dev/null - 2>/dev/null; then $(MAKE) --no-print-directory race; else \
		echo "SKIPPED: the race detector needs a C compiler with its headers, and $$($(GO) env CC) is not one." \
			'Install gcc and libc6-dev (Debian), or name another compiler in CC.'; fi

.PHONY: race
race:
	@echo 'Compiling for the race detector: the first time takes about 6 minutes on 2 cores.' >&2
	$(RACE) test -race -short -timeout 15m $(RACE_PACKAGES)
	@mkdir -p bin/race
	$(RACE) build -race -buildvcs=false -o bin/race/kubenexus-scheduler ./cmd/scheduler
	$(GO) test -c -o bin/race/scenarios.test ./test/scenarios
	test/scenarios/race.sh

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
	$(BENCH) -ldflags '$(LDFLAGS)' -o bin/bench/kubenexus ./cmd/kubenexus
	$(BENCH) -ldflags '-s -w $(BENCH_STOCK)' -o bin/bench/kube-scheduler k8s.io/kubernetes/cmd/kube-scheduler
	$(BENCH) -o bin/bench/ ./bench ./bench/plane ./bench/raw

bench: bench-build ## Measure this and the upstream scheduler side by side: hours; results in bench/results (ARGS=--help)
	bin/bench/bench $(ARGS)

bench-short: bench-build ## The same with few pods in about 5 minutes: a first impression (ARGS=... is passed on)
	bin/bench/bench --name short --nodes 100 --pods 1000 --stock-gang-pods 500 --runs 1 --waiting-pods 2000 \
		--stream-pods 1000 --repetitions 5 --preempt-pods 100 --scenarios throughput,freed,waiting,footprint,preempt \
		--timeout 30s --contenders raw,stock,stock-gang,ours/plain,ours/gang-100 $(ARGS)

lint: $(LINT) ## Run the linters (ARGS=--fix repairs what can be repaired)
	$(LINT) run $(ARGS) ./...

fmt: $(LINT) ## Format the Go code
	$(LINT) fmt

fuzz: ## Fuzz the parsers of annotations, of the configuration of queues and of manifests, and the REST API (FUZZTIME=30s for each)
	$(GO) test -run '^$$' -fuzz '^FuzzParse$$' -fuzztime $(FUZZTIME) ./internal/conventions
	$(GO) test -run '^$$' -fuzz '^FuzzTopology$$' -fuzztime $(FUZZTIME) ./internal/conventions
	$(GO) test -run '^$$' -fuzz '^FuzzParse$$' -fuzztime $(FUZZTIME) ./internal/queueconfig
	$(GO) test -run '^$$' -fuzz '^FuzzParse$$' -fuzztime $(FUZZTIME) ./internal/workload
	$(GO) test -run '^$$' -fuzz '^FuzzConvert$$' -fuzztime $(FUZZTIME) ./internal/convert
	$(GO) test -run '^$$' -fuzz '^FuzzObjects$$' -fuzztime $(FUZZTIME) ./internal/jobs
	$(GO) test -run '^$$' -fuzz '^FuzzRoutes$$' -fuzztime $(FUZZTIME) ./internal/rest

# Each is what kustomize makes of the overlay after the colon.
MANIFESTS = gang-scheduler-deployment:gang-scheduler gang-scheduler-ha:gang-scheduler-ha batch-scheduler:batch-scheduler \
	guard-rails:guard-rails monitoring:monitoring serve:serve

# The chart has copies of the alerts and the guard rails: Helm reads nothing that is not in the chart's directory.
manifests: $(KUSTOMIZE) ## Make the manifests in config/ from config/base and config/overlays
	@for m in $(MANIFESTS); do \
		{ echo "# Made by \`make manifests\` from config/overlays/$${m#*:}: change it there." && \
		$(KUSTOMIZE) build config/overlays/$${m#*:}; } > $(or $(TO),config)/$${m%:*}.yaml || exit; \
	done
	@{ echo ---; cat config/overlays/monitoring/prometheus-rule.yaml; sed '/./s/^/  /' dashboards/alerts.yaml; } \
		>> $(or $(TO),config)/monitoring.yaml
	@cp dashboards/alerts.yaml $(or $(TO),charts/kubenexus)/alerts.yaml
	@cmp -s $(or $(TO),config)/guard-rails.yaml $(or $(TO),charts/kubenexus)/guard-rails.yaml || \
		cp $(or $(TO),config)/guard-rails.yaml $(or $(TO),charts/kubenexus)/guard-rails.yaml

# --- the web page -------------------------------------------------------------------------------
# internal/page/dist is committed, so that Go alone builds the command.
.PHONY: page verify-page test-page
page: web/node_modules/.package-lock.json ## Build the web page from web/ into internal/page/dist (needs Node.js 20)
	cd web && npm run --silent types && npm run --silent build

test-page: web/node_modules/.package-lock.json ## Run the tests of the web page in Chromium (ARGS=-draw makes the pictures of the docs)
	$(GO) test -count=1 -v ./test/page $(ARGS)

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	npm ci --prefix web --no-audit --no-fund --loglevel=error
	@touch $@

verify-page: $(PAGE_PACKAGES)
	@if [ -z '$(PAGE_PACKAGES)' ]; then echo 'SKIPPED: whether the web page is current needs Node.js 20 with npm.'; else \
	cd web && made=$$(mktemp -d) && trap 'rm -r "$$made"' EXIT && npm run --silent check && npm run --silent test && \
	npx openapi-typescript ../docs/reference/openapi.json --output "$$made/schema.d.ts" >/dev/null && diff -u src/api/schema.d.ts "$$made/schema.d.ts" && \
	npm run --silent build -- --outDir "$$made/dist" && diff -r ../internal/page/dist "$$made/dist" || \
	{ echo 'The web page does not pass its checks, or is not what make page makes.'; exit 1; } >&2; fi

verify: verify-fmt verify-tidy verify-manifests verify-client verify-page vet lint ## Check format, go.mod, manifests, the Go client, the web page, vet and linters; changes nothing

verify-fmt:
	@echo 'gofmt -l .'
	@files=$$(gofmt -l .) && if [ -n "$$files" ]; then echo "Not formatted (see make fmt):"; echo "$$files"; exit 1; fi >&2

verify-tidy:
	$(GO) mod tidy -diff
	$(GO) -C tools mod tidy -diff
	$(GO) -C tools/client mod tidy -diff
	$(GO) -C tools/helm mod tidy -diff
	$(GO) -C tools/image mod tidy -diff
	$(GO) -C tools/kubelet mod tidy -diff
	$(GO) -C tools/plot mod tidy -diff
	$(GO) -C tools/prometheus mod tidy -diff
	$(foreach version,$(KUBE_VERSIONS),$(GO) -C tools/kube-$(version) mod tidy -diff &&) true

verify-manifests:
	@made=$$(mktemp -d) && trap 'rm -r "$$made"' EXIT && $(MAKE) --no-print-directory manifests TO="$$made" && \
	for m in $(MANIFESTS); do diff -u "config/$${m%:*}.yaml" "$$made/$${m%:*}.yaml" || exit; done && \
	diff -u charts/kubenexus/alerts.yaml "$$made/alerts.yaml" && \
	diff -u charts/kubenexus/guard-rails.yaml "$$made/guard-rails.yaml" || \
	{ echo 'What make manifests makes is not in config/ and charts/.'; exit 1; } >&2

verify-client:
	@made=$$(mktemp -d) && trap 'rm -r "$$made"' EXIT && \
	$(OAPI_CODEGEN) -o "$$made/client.gen.go" ../../docs/reference/openapi.json && \
	diff -u pkg/client/client.gen.go "$$made/client.gen.go" || { echo 'pkg/client is not what make reference makes.'; exit 1; } >&2

vet:
	$(GO) vet ./...

ci: ## What runs for every change: verify, then test
	.ci/run

version: ## Print the version that a build would have
	@echo $(VERSION)

clean: ## Remove what was built
	rm -rf bin

# The tools come from modules of their own, so that what they need never meets what we ship.
$(LINT): tools/go.mod tools/go.sum
	$(GO) -C tools build -trimpath -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(KUSTOMIZE): tools/go.mod tools/go.sum
	$(GO) -C tools build -trimpath -o ../$@ sigs.k8s.io/kustomize/kustomize/v5

# With static targets only: the discovery of two dozen clouds is most of it. test/install builds the same, if it is not there.
$(PROMETHEUS) &: tools/prometheus/go.mod tools/prometheus/go.sum
	@echo 'Compiling Prometheus: about 3 minutes on 2 cores.' >&2
	$(GO) -C tools/prometheus build -trimpath -tags remove_all_sd -o ../../bin/ $(addprefix \
		github.com/prometheus/prometheus/cmd/,$(notdir $(PROMETHEUS)))
	@touch $(PROMETHEUS)

# --- API servers of other versions ----------------------------------------------------------------
# kube-apiserver of an older Kubernetes comes from a module of its own, which tools/kube-module makes. docs/compatibility.md.
KUBE_VERSIONS = 1.33 1.34 1.35
SERVERS      ?= $(KUBE_VERSIONS:%=emulated-%) $(KUBE_VERSIONS:%=real-%) claims-1.33
REAL_SERVERS  = $(sort $(foreach server,$(filter-out emulated-%,$(SERVERS)),bin/kube-apiserver-$(lastword $(subst -, ,$(server)))))

.PHONY: test-versions
test-versions: $(REAL_SERVERS) ## Run the scenarios on older API servers (SERVERS="real-1.34 ..." on some)
	$(GO) test -c -o bin/scenarios.test ./test/scenarios
	test/scenarios/versions.sh $(SERVERS)

# It has to know its version: without, it calls itself v0.0.0.
bin/kube-apiserver-%: tools/kube-%/go.mod tools/kube-%/go.sum
	@echo 'Compiling kube-apiserver $*: 8 to 12 minutes on 2 busy cores.' >&2
	version=$$($(GO) -C tools/kube-$* list -m -f '{{.Version}}' k8s.io/kubernetes) && \
	$(GO) -C tools/kube-$* build -o ../../$@ -ldflags "-s -w -X $(KUBE).gitVersion=$$version \
		-X $(KUBE).gitMajor=1 -X $(KUBE).gitMinor=$(*:1.%=%)" k8s.io/kubernetes/cmd/kube-apiserver

# --- real nodes -----------------------------------------------------------------------------------
# The kubelet of the Kubernetes that we build with comes from a module of its own. docs/reliability.md.
.PHONY: test-nodes real-nodes
test-nodes: ## Run gangs on real kubelets and containers, in namespaces of their own (needs root; ARGS="-test.run Drain -nodes 3")
	@if $(GO) run ./test/nodes/check; then $(MAKE) --no-print-directory real-nodes; fi

real-nodes: bin/kubelet image bin/nodes/image
	@$(GO) tool -n kubectl >/dev/null && $(GO) -C tools/helm tool -n helm >/dev/null # inside there is no network
	@$(GO) -C tools/prometheus mod download github.com/prometheus-operator/prometheus-operator
	$(GO) test -c -o bin/nodes.test ./test/nodes
	test/nodes/run.sh $(ARGS)

bin/kubelet: tools/kubelet/go.mod tools/kubelet/go.sum
	@echo 'Compiling the kubelet: 6 to 10 minutes on 2 cores.' >&2
	CGO_ENABLED=0 $(GO) -C tools/kubelet build -trimpath -o ../../$@ -ldflags "-s -w -X $(KUBE).gitVersion=$(KUBE_VERSION) \
		-X $(KUBE).gitMajor=$(word 1,$(KUBE_NUMBERS)) -X $(KUBE).gitMinor=$(word 2,$(KUBE_NUMBERS))" k8s.io/kubernetes/cmd/kubelet

# What the containers of the tests run.
bin/nodes/image: test/nodes/worker/main.go
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '-s -w' -o bin/nodes/worker ./test/nodes/worker
	$(GO) -C tools/image run . --out ../../$@ --program worker --name registry.example.com/worker:test \
		--date $(BUILD_DATE) $$($(GO) env GOARCH)=../../bin/nodes/worker
	@touch $@

# --- image --------------------------------------------------------------------------------------
# An OCI layout in bin/image, from scratch: the binary, certificates and a list of what is in it. Nothing is pulled, and no
# Docker is needed. The same commit gives the same digest.
#
# What is pushed is for every machine. What stays here is for this one: a second platform compiles everything once more.
IMAGE_ARCHS ?= $(if $(PUSH),amd64 arm64,$(shell $(GO) env GOHOSTARCH))

.PHONY: image image-binaries image-test
image: image-binaries ## Build the image for this machine into bin/image, or for amd64 and arm64 and push it (PUSH=registry/name:tag)
	$(GO) -C tools/image run . --out ../../bin/image --version '$(VERSION)' --revision $(COMMIT) --date $(BUILD_DATE) \
		$(if $(IMAGE),--name '$(IMAGE)') $(if $(PUSH),--push '$(PUSH)') \
		$(foreach arch,$(IMAGE_ARCHS),$(arch)=../../bin/$(arch)/kubenexus-scheduler)

image-binaries:
	$(NOTICE)
	$(foreach arch,$(IMAGE_ARCHS),GOOS=linux GOARCH=$(arch) $(BUILD) -o bin/$(arch)/kubenexus-scheduler ./cmd/scheduler &&) true

image-test:
	$(GO) -C tools/image test ./...
