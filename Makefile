# What a person types at this tree. `make help` lists it.
#
# Needs: Debian 12 or newer, a Rust toolchain (rust-toolchain.toml names it), and root for everything
# that boots hosts or starts servers. One profile, debug, serves all targets but bench and bench-peers, and
# each names the whole workspace, so that nothing is built twice with other features.

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
# How often bench seeds a replica, and with how many MiB; how often it makes a cluster of bare hosts.
SEEDS ?= 3
MIB ?= 1024
FIRST_RUNS ?= 3

# Every folder below tests/ with a main.rs is one test program; these need no root.
UNROOTED = $(filter-out lab wire,$(patsubst tests/%/main.rs,%,$(wildcard tests/*/main.rs)))

# Where install puts things; DESTDIR is for packagers.
PREFIX ?= /usr/local
SHARE = $(DESTDIR)$(PREFIX)/share

.DEFAULT_GOAL = help
.PHONY: help build install readme demo demo-down test lint test-unit test-wire test-lab test-matrix torture bench bench-peers lab-packages wire-packages

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

readme: ## The references in README.md, anew from what `hactl schema` says
	UPDATE_README=1 cargo test --test cli -- readme::

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
	cargo test --workspace --test wire

test-lab: lab-packages ## Real hosts: the lab proved on itself, then the scenarios (minutes)
	HACTL_LAB_MEMORY=$$(tests/lab/memory.sh) cargo test --workspace --test hosts
	HACTL_LAB_MEMORY=$$(tests/lab/memory.sh) cargo test --workspace --test lab -- --test-threads=3

test-matrix: lab-packages ## The scenarios on every server, and those that are too long for every day (two hours)
	HACTL_LAB_MEMORY=$$(tests/lab/memory.sh) cargo test --workspace --test lab -- --test-threads=3 --ignored --skip failover::torture --skip failover::bench --skip seeding::throughput --skip first_run::first_run --skip converged::converged --skip peers::converged

torture: lab-packages ## Faults by chance while clients write (SEED=1 MINUTES=10 SUITE=bookworm)
	SEED=$(SEED) MINUTES=$(MINUTES) SUITE=$(SUITE) FAULTS="$(FAULTS)" \
	    cargo test --workspace --test lab -- --ignored --nocapture --exact failover::torture::torture

bench: lab-packages ## How long clients wait in each kind of outage, first and converged runs and seeding take (RUNS=10 HOSTS=3 FIRST_RUNS=3 SEEDS=3 MIB=1024 SUITE=bookworm)
	RUNS=$(RUNS) HOSTS=$(HOSTS) SUITE=$(SUITE) FAULTS="$(FAULTS)" \
	    cargo test --release --workspace --test lab -- --ignored --nocapture --exact failover::bench::bench
	for hosts in 3 10; do RUNS=$(RUNS) HOSTS=$$hosts SUITE=$(SUITE) \
	    cargo test --release --workspace --test lab -- --ignored --nocapture --exact converged::converged || exit 1; done
	FIRST_RUNS=$(FIRST_RUNS) SUITE=$(SUITE) \
	    cargo test --release --workspace --test lab -- --ignored --nocapture --exact first_run::first_run
	SEEDS=$(SEEDS) MIB=$(MIB) SUITE=$(SUITE) \
	    cargo test --release --workspace --test lab -- --ignored --nocapture --exact seeding::throughput

bench-peers: lab-packages ## Converged runs of Ansible and pyinfra, where they are installed, beside hactl's (RUNS=10 SUITE=bookworm)
	RUNS=$(RUNS) SUITE=$(SUITE) \
	    cargo test --release --workspace --test lab -- --ignored --nocapture --exact peers::converged

lab-packages:
	@tests/packages.sh $(LAB_PACKAGES)

wire-packages:
	@tests/packages.sh $(WIRE_PACKAGES)
