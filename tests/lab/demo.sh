#!/bin/sh
# `make demo`: three hosts with nothing on them but Debian become a replicated cluster, lose their primary
# and take it back, by the very commands that one would type. Leaves the lab running, without a watcher.
# Never touches another lab than its own.
set -eu

lab=demo
bin=$(cd "$(dirname "$0")/../.." && pwd)/target/debug
dir=${HACTL_LAB_STATE:-/var/lib/hactl-lab}/$lab

exists() { "$bin/hactl-lab" list | grep -q "^$lab "; }

if [ -t 1 ]; then bold=$(printf "\033[1m") plain=$(printf "\033[0m"); else bold= plain=; fi
say() { printf "\n%s\$ %s%s\n" "$bold" "$*" "$plain"; }

# 24 letters and digits of the kernel's randomness.
password() { LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom | head -c 24; }

watcher=
# However the demo ends, it leaves no watcher behind.
stop_watcher() {
    if [ -n "$watcher" ]; then
        kill "$watcher" 2>/dev/null || true
        wait "$watcher" 2>/dev/null || true
        watcher=
    fi
}
trap stop_watcher EXIT
trap 'exit 130' INT TERM

# Waits for a line of the watcher's, for at most so many seconds.
await() {
    tries=$(($1 * 10))
    until grep -q "$2" "$log"; do
        tries=$((tries - 1))
        if [ $tries -le 0 ] || ! kill -0 "$watcher" 2>/dev/null; then
            cat "$log"
            echo "the watcher did not say: $2" >&2
            exit 1
        fi
        sleep 0.1
    done
}

# A primary dies while a watcher runs, and comes back as a replica.
lose_the_primary() {
    log=$dir/watcher.log
    say "hactl failover --watch 2>$log &"
    "$bin/hactl" failover --watch 2>"$log" &
    watcher=$!
    await 15 "watching db1"
    sleep 1 # long enough to know it healthy
    say hactl-lab fault kill $lab/db1
    "$bin/hactl-lab" fault kill $lab/db1
    await 30 "all done after\|NOT FINISHED"
    await 5 "report: "
    say cat "$log"
    cat "$log"
    say hactl status
    "$bin/hactl" status
    say hactl rejoin db1 --yes
    "$bin/hactl" rejoin db1 --yes
    stop_watcher
    say hactl verify --wait 10s
    "$bin/hactl" verify --wait 10s
}

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

    lose_the_primary

    cat <<END

Three hosts are running as lab "$lab": real systemd, sshd, apt and database servers. db2 leads; no watcher runs.
To look around, paste:

  export PATH="$bin:\$PATH" HACTL_INVENTORY=$dir/inventory.yml
  . $dir/passwords
  hactl status                       the topology
  hactl switchover --to db1          moves the writer back
  hactl failover --watch             stays and watches; in another terminal:
  hactl-lab fault power-off $lab/db1  a power cut; also freeze, cut, reboot: hactl-lab fault --help
  hactl-lab fault power-on $lab/db1   and then: hactl rejoin db1
  hactl-lab ssh $lab/db2              a shell on a host (in it: mariadb or mysql)

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
