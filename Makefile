# Everything here needs Go; make test also needs what it installs.

VERSION ?=
ARGS ?=
FUZZTIME ?= 1m
# A build for production is named by its commit unless VERSION says otherwise, and
# holds nothing of where or when it was made: the same bytes everywhere.
NAMED = $(or $(VERSION),$(shell git describe --tags --always --dirty 2>/dev/null))
BUILD = CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o kae ./cmd/kae

.DEFAULT_GOAL := help
.PHONY: help run demo build main-linux-amd64 main-linux-arm64 release clean \
	test test-deploy test-deploy-quick check format vet lint race fuzz screenshots tools deploy-tools \
	deploy rsync restart docker/build docker/run docker/restart docker/stop docker/rm docker/image docker/prune

help: ## show this
	@awk -F ':.*## ' '/^[a-z0-9\/-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## build and start kae; settings in ARGS: make run ARGS='-addr :8080 -no-auth'
	@exec ./kae serve $(ARGS)

demo: build ## open the console with made-up tokens, in a temporary database
	@exec ./kae demo $(ARGS)

build: ## build ./kae, one static binary; VERSION=v1.2.3 names it
	$(BUILD)

main-linux-amd64: ## build ./main-linux-amd64, the static binary for production
main-linux-arm64: ## the same for arm64
main-linux-amd64 main-linux-arm64:
	CGO_ENABLED=0 GOOS=linux GOARCH=$(@:main-linux-%=%) go build -trimpath -buildvcs=false \
		-ldflags '-s -w -buildid= -X main.version=$(NAMED)' -o $@ ./cmd/kae

release: ## make archives, Debian packages and checksums in dist; VERSION is by the git tag
	VERSION=$(VERSION) go run ./scripts/release

clean: ## remove what was built
	rm -rf kae main-linux-* dist

# CI makes a test that misses PostgreSQL, the browser, the mail server or systemd
# fail instead of skip.
test: tools ## run all tests; installs PostgreSQL, Chromium, aiosmtpd and systemd where that is possible
	CI=true go test -timeout 25m ./...

test-deploy: tools deploy-tools ## test backups against a real S3 server, and every way to deploy
	CI=true KAE_LONG_TESTS=yes go test -timeout 10m -run 'Back|S3|Cut|Cron|Keys' ./internal/backup ./cmd/kae
	CI=true KAE_DEPLOY_TESTS=all go test -timeout 20m ./deploy

test-deploy-quick: deploy-tools
	CI=true KAE_DEPLOY_TESTS=quick go test -timeout 10m ./deploy

# What fails fast comes first. The plain tests run the released kind of binary,
# the others the same with the race detector: no work is done twice.
check: format vet lint test test-deploy-quick race ## the gate: format, vet, lint, test, deployment, race

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

# The host and all names are settings: see .env.example.
deploy: lint test ## lint, test, build, ship and start kae on its host; back to the one before if it is not healthy
	@scripts/deploy.sh deploy

rsync: ## build the binary and ship it, with the settings of .env.prod, to the host
	@scripts/deploy.sh rsync

restart: ## put the newest image on the host in the place of the kae that runs
	@scripts/deploy.sh replace

docker/build: ## build the image on the host from what make rsync shipped
docker/run: ## start it there
docker/restart: ## restart the container as it is
docker/stop: ## stop it
docker/rm: ## remove the stopped container; the data stays
docker/image: ## show the images there
docker/prune: ## remove images of kae that have no name any more
docker/build docker/run docker/restart docker/stop docker/rm docker/image docker/prune:
	@scripts/deploy.sh $(@F)

tools:
	scripts/install-test-tools.sh

deploy-tools:
	scripts/install-deploy-tools.sh
