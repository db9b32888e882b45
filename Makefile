# What a person types at this tree. `make help` lists it.
#
# Needs: Debian 12 or newer, a Rust toolchain (rust-toolchain.toml names it), and root for everything
# that boots hosts or starts servers. One profile, debug, serves all targets but bench, so that nothing
# is built twice.

# What the lab needs on this machine; a test compares it with `hactl-lab needs`.
LAB_PACKAGES = mmdebstrap systemd-container nftables iproute2 openssh-client util-linux coreutils debian-archive-keyring
# What the tests of the wire start for themselves, on the loopback address.
WIRE_PACKAGES = openssh-server openssh-client mariadb-server-core mariadb-client-core

# The demo: bookworm has MariaDB 10.11, trixie MariaDB 11.8, sid MySQL 9.7.
SUITE ?= bookworm

# Torture draws the same faults for the same seed; FAULTS=frozen takes only those with this in their name.
SEED ?= 1
MINUTES ?= 10
FAULTS ?=

# How often bench lets each fault befall the primary, and among how many hosts; FAULTS as above.
RUNS ?= 10
HOSTS ?= 3
# How often bench seeds a replica, and with how many MiB.
SEEDS ?= 3
MIB ?= 1024

# Every folder below tests/ with a main.rs is one test program; these need no root.
UNROOTED = $(filter-out lab wire,$(patsubst tests/%/main.rs,%,$(wildcard tests/*/main.rs)))

# Where install puts things; DESTDIR is for packagers.
PREFIX ?= /usr/local
SHARE = $(DESTDIR)$(PREFIX)/share

.DEFAULT_GOAL = help
.PHONY: help build install demo demo-down test lint test-unit test-wire test-lab test-matrix torture bench lab-packages wire-packages

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' Makefile | expand -t 18

build: ## Build hactl and hactl-lab
	cargo build --workspace

install: ## hactl, its manual pages and completions (PREFIX=/usr/local)
	cargo build --release
	install -D -m 755 target/release/hactl $(DESTDIR)$(PREFIX)/bin/hactl
	install -d $(SHARE)/man/man1 $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions $(SHARE)/fish/vendor_completions.d
	target/release/hactl man $(SHARE)/man/man1
	target/release/hactl completions bash >$(SHARE)/bash-completion/completions/hactl
	target/release/hactl completions zsh >$(SHARE)/zsh/site-functions/_hactl
	target/release/hactl completions fish >$(SHARE)/fish/vendor_completions.d/hactl.fish

demo: lab-packages build ## Three real hosts become a cluster and lose their primary (SUITE=sid for MySQL)
	@tests/lab/demo.sh up $(SUITE)

demo-down: build ## Remove what demo made
	@tests/lab/demo.sh down

test: lint test-unit test-wire test-lab ## Everything that continuous integration runs

lint: ## Formatting and clippy
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

test-unit: ## Pure code and the command line; no root, no network (seconds)
	cargo test --workspace --lib --bins $(addprefix --test ,$(UNROOTED))

test-wire: wire-packages ## Links to real sshds and servers on the loopback address (a minute)
	cargo test --test wire

test-lab: lab-packages ## Real hosts: the lab proved on itself, then the scenarios (minutes)
	cargo build --workspace
	cargo test --package hactl-lab --test lab
	cargo test --package hactl --test lab -- --test-threads=2

test-matrix: lab-packages ## The scenarios on every server, and those that are too long for every day (two hours)
	cargo build --workspace
	cargo test --package hactl --test lab -- --test-threads=2 --ignored --skip failover::torture --skip failover::bench --skip seeding::throughput --skip converged::converged

torture: lab-packages ## Faults by chance while clients write (SEED=1 MINUTES=10 SUITE=bookworm)
	cargo build --workspace
	SEED=$(SEED) MINUTES=$(MINUTES) SUITE=$(SUITE) FAULTS="$(FAULTS)" \
	    cargo test --package hactl --test lab -- --ignored --nocapture --exact failover::torture::torture

bench: lab-packages ## How long clients wait in each kind of outage, converged runs and seeding take (RUNS=10 HOSTS=3 SEEDS=3 MIB=1024 SUITE=bookworm)
	RUNS=$(RUNS) HOSTS=$(HOSTS) SUITE=$(SUITE) FAULTS="$(FAULTS)" \
	    cargo test --release --package hactl --test lab -- --ignored --nocapture --exact failover::bench::bench
	for hosts in 3 10; do RUNS=$(RUNS) HOSTS=$$hosts SUITE=$(SUITE) \
	    cargo test --release --package hactl --test lab -- --ignored --nocapture --exact converged::converged || exit 1; done
	SEEDS=$(SEEDS) MIB=$(MIB) SUITE=$(SUITE) \
	    cargo test --release --package hactl --test lab -- --ignored --nocapture --exact seeding::throughput

lab-packages:
	@tests/packages.sh $(LAB_PACKAGES)

wire-packages:
	@tests/packages.sh $(WIRE_PACKAGES)
