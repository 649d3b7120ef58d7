# Everything here needs Go; make test also needs what it installs.

VERSION ?=
ARGS ?=
FUZZTIME ?= 1m
BUILD = CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o kae ./cmd/kae

.DEFAULT_GOAL := help
.PHONY: help run demo build release test test-deploy check format vet lint race fuzz screenshots tools

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## build and start kae; settings in ARGS: make run ARGS='-addr :8080 -no-auth'
	@exec ./kae serve $(ARGS)

demo: build ## open the console with made-up tokens, in a temporary database
	@exec ./kae demo $(ARGS)

build: ## build ./kae, one static binary; VERSION=v1.2.3 names it
	$(BUILD)

# CI makes a test that misses PostgreSQL, the browser or systemd fail instead of skip.
release: ## make archives, Debian packages and checksums in dist; VERSION is by the git tag
	VERSION=$(VERSION) go run ./scripts/release

test: tools ## run all tests; installs PostgreSQL, Chromium and systemd where that is possible
	CI=true go test -timeout 25m ./...

test-deploy: tools ## test backups against a real S3 server
	CI=true KAE_LONG_TESTS=yes go test -timeout 10m -run 'Back|S3|Cut|Cron|Keys' ./internal/backup ./cmd/kae

# What fails fast comes first. The plain tests run the released kind of binary,
# the others the same with the race detector: no work is done twice.
check: format vet lint test race ## the gate: format, vet, lint, test, race

format: ## fail if a file is not formatted
	@files=$$(gofmt -l .); if [ -n "$$files" ]; then echo "not formatted (run gofmt -w):"; echo "$$files"; exit 1; fi

vet: ## go vet
	go vet ./...

lint: ## staticcheck
	go tool -modfile=tools.mod staticcheck ./...

race: tools ## run all tests with the race detector (needs a C compiler)
	CI=true go test -race -timeout 25m ./...

fuzz: ## fuzz each fuzz test; FUZZTIME=1m for each
	scripts/fuzz.sh $(FUZZTIME)

screenshots: tools ## take the pictures of README and docs, and the film assets/kae.gif
	go run ./scripts/screenshots

tools:
	scripts/install-test-tools.sh
