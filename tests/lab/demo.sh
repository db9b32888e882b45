#!/bin/sh
# `make demo`: three hosts with nothing on them but Debian become a replicated cluster, by the very
# commands that one would type. Leaves the lab running. Never touches another lab than its own.
set -eu

lab=demo
bin=$(cd "$(dirname "$0")/../.." && pwd)/target/debug
dir=${HACTL_LAB_STATE:-/var/lib/hactl-lab}/$lab

exists() { "$bin/hactl-lab" list | grep -q "^$lab "; }

if [ -t 1 ]; then bold=$(printf "\033[1m") plain=$(printf "\033[0m"); else bold= plain=; fi
say() { printf "\n%s\$ %s%s\n" "$bold" "$*" "$plain"; }

# 24 letters and digits of the kernel's randomness.
password() { LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom | head -c 24; }

up() {
    if exists; then
        say hactl-lab down $lab
        "$bin/hactl-lab" down $lab
    fi
    say hactl-lab up 3 --suite "$1" --name $lab
    "$bin/hactl-lab" up 3 --suite "$1" --name $lab | sed '/^$/,$d'

    (
        umask 077
        for account in REPL MONITOR ADMIN; do
            echo "export ${account}_PASSWORD=$(password)"
        done >"$dir/passwords"
    )
    # shellcheck disable=SC1091 # written above
    . "$dir/passwords"
    export HACTL_INVENTORY="$dir/inventory.yml"

    say hactl bootstrap --yes
    "$bin/hactl" bootstrap --yes
    say hactl verify
    "$bin/hactl" verify
    say hactl status
    "$bin/hactl" status

    cat <<END

Three hosts are running as lab "$lab": real systemd, sshd, apt and database servers.
To look around, paste:

  export PATH="$bin:\$PATH" HACTL_INVENTORY=$dir/inventory.yml
  . $dir/passwords
  hactl status                       the topology
  hactl bootstrap --yes              again: nothing to do
  hactl-lab ssh $lab/db1              a shell on a host (in it: mariadb or mysql)
  hactl-lab fault reboot $lab/db1     the primary comes back read-only and without the VIP;
  hactl verify                       says so, and
  hactl bootstrap --yes              makes it lead again

To remove it all: make demo-down
END
}

case ${1:-} in
up) up "${2:-bookworm}" ;;
down) if exists; then "$bin/hactl-lab" down $lab; else echo "there is no lab $lab"; fi ;;
*)
    echo "usage: demo.sh up [SUITE] | down" >&2
    exit 2
    ;;
esac
