#!/bin/bash
# Three bare hosts become a cluster, as a person would write it for these hosts alone: no look at what is
# there, no second try, no undo; all hosts side by side wherever that is possible. `make bench` runs it beside
# `hactl bootstrap`. It does the same work, file by file and statement by statement.
#
# FLAVOR (mariadb, mysql), HOSTS (addresses, the primary first), VIP (with its prefix length), KEY,
# KNOWN_HOSTS, and REPL_PASSWORD, MONITOR_PASSWORD, ADMIN_PASSWORD, which travel on standard input only.
set -euo pipefail
: "${FLAVOR:?}" "${HOSTS:?}" "${VIP:?}" "${KEY:?}" "${KNOWN_HOSTS:?}"
: "${REPL_PASSWORD:?}" "${MONITOR_PASSWORD:?}" "${ADMIN_PASSWORD:?}"
read -ra hosts <<<"$HOSTS"
primary=${hosts[0]}
replicas=("${hosts[@]:1}")

work=$(mktemp -d)
trap 'for host in "${hosts[@]}"; do remote "$host" -O exit 2>/dev/null || true; done; rm -rf "$work"' EXIT
remote() {
    local host=$1
    shift
    ssh -F none -i "$KEY" -o IdentitiesOnly=yes -o UserKnownHostsFile="$KNOWN_HOSTS" -o LogLevel=ERROR \
        -o ControlMaster=auto -o ControlPersist=60 -o ControlPath="$work/%h" "$@" "root@$host"
}
# A script on standard input.
on() { ssh -F none -i "$KEY" -o IdentitiesOnly=yes -o UserKnownHostsFile="$KNOWN_HOSTS" -o LogLevel=ERROR \
    -o ControlMaster=auto -o ControlPersist=60 -o ControlPath="$work/%h" "root@$1" "${2:-bash -s}"; }
# Runs a function for each of some hosts, side by side, and waits for all.
each() {
    local action=$1 pid pids=()
    shift
    for host in "$@"; do
        "$action" "$host" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid"; done
}
literal() {
    local text=${1//\\/\\\\}
    printf "'%s'" "${text//\'/\'\'}"
}

case $FLAVOR in
mariadb)
    package=mariadb-server unit=mariadb client=mariadb word=SLAVE column=Slave
    file=/etc/mysql/mariadb.conf.d/99-cluster.cnf
    semi_sync=rpl_semi_sync_master_enabled
    settings='gtid_strict_mode = 1
log_slave_updates = 1
expire_logs_days = 7
skip_slave_start = 1
slave_net_timeout = 3
rpl_semi_sync_slave_enabled = 1
rpl_semi_sync_master_wait_point = AFTER_SYNC
rpl_semi_sync_master_timeout = 4294967295
rpl_semi_sync_master_wait_no_slave = 1'
    writable='SET GLOBAL read_only = 0;'
    replication='REPLICATION SLAVE, CONNECTION ADMIN'
    monitor='SLAVE MONITOR, BINLOG MONITOR, PROCESS'
    dump='mariadb-dump --master-data=1 --gtid --ignore-table=mysql.gtid_slave_pos'
    unlocked='' locked=''
    ;;
mysql)
    package=mysql-server unit=mysql client=mysql word=REPLICA column=Replica
    file=/etc/mysql/mysql.conf.d/zz-cluster.cnf
    semi_sync=rpl_semi_sync_source_enabled
    settings='super_read_only = 1
gtid_mode = ON
enforce_gtid_consistency = ON
log_replica_updates = 1
binlog_expire_logs_seconds = 604800
replica_net_timeout = 3
plugin_load_add = semisync_source.so
plugin_load_add = semisync_replica.so
rpl_semi_sync_replica_enabled = 1
rpl_semi_sync_source_wait_point = AFTER_SYNC
rpl_semi_sync_source_timeout = 4294967295
rpl_semi_sync_source_wait_no_replica = 1'
    writable='SET GLOBAL super_read_only = 0; SET GLOBAL read_only = 0;'
    replication='REPLICATION SLAVE, CONNECTION_ADMIN'
    monitor='REPLICATION CLIENT, PROCESS'
    dump='mysqldump --source-data=2 --set-gtid-purged=ON --ignore-table=mysql.slave_master_info
        --ignore-table=mysql.slave_relay_log_info --ignore-table=mysql.slave_worker_info'
    unlocked='SET GLOBAL super_read_only = 0; RESET BINARY LOGS AND GTIDS;'
    locked='SET GLOBAL super_read_only = 1;'
    ;;
*)
    echo "no such flavor: $FLAVOR" >&2
    exit 2
    ;;
esac

server() {
    on "$1" <<END
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -q -y --no-install-recommends install $package iputils-arping >/dev/null 2>&1
mkdir -p /etc/systemd/system/$unit.service.d
cat >/etc/systemd/system/$unit.service.d/cluster.conf <<'FILE'
[Service]
Restart=on-failure
RestartSec=1s
FILE
cat >/etc/systemd/system/start-replication.service <<'FILE'
[Unit]
After=$unit.service
Requires=$unit.service
[Service]
Type=oneshot
ExecStart=/usr/bin/$client -e 'START $word'
[Install]
WantedBy=$unit.service
FILE
cat >/usr/local/sbin/purge-relay-logs <<'FILE'
#!/bin/sh
$client -e 'SET GLOBAL relay_log_purge = 1; FLUSH NO_WRITE_TO_BINLOG RELAY LOGS; DO SLEEP(5); SET GLOBAL relay_log_purge = 0'
FILE
chmod 755 /usr/local/sbin/purge-relay-logs
cat >/etc/systemd/system/purge-relay-logs.service <<'FILE'
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/purge-relay-logs
FILE
cat >/etc/systemd/system/purge-relay-logs.timer <<'FILE'
[Timer]
OnCalendar=hourly
[Install]
WantedBy=timers.target
FILE
cat >$file <<'FILE'
[mysqld]
server_id = ${1##*.}
report_host = $1
report_port = 3306
port = 3306
bind_address = *
skip_name_resolve = 1
log_bin = binlog
binlog_format = ROW
sync_binlog = 1
innodb_flush_log_at_trx_commit = 1
relay_log = relay-bin
relay_log_purge = 0
relay_log_recovery = 0
sync_relay_log = 1
read_only = 1
$settings
FILE
systemctl daemon-reload
if [ $FLAVOR = mariadb ]; then
    systemctl -q disable --now mariadb.socket mariadb-extra.socket 2>/dev/null || true
    systemctl -q enable start-replication.service
fi
systemctl -q enable --now purge-relay-logs.timer
systemctl -q enable $unit
systemctl restart $unit
END
}

accounts() {
    on "$primary" <<END
set -eu
$client <<'SQL'
$writable
CREATE USER repl@'%' IDENTIFIED BY $(literal "$REPL_PASSWORD");
GRANT $replication ON *.* TO repl@'%';
CREATE USER monitor@'%' IDENTIFIED BY $(literal "$MONITOR_PASSWORD");
GRANT $monitor ON *.* TO monitor@'%';
CREATE USER hactl@localhost IDENTIFIED BY $(literal "$ADMIN_PASSWORD");
GRANT ALL PRIVILEGES ON *.* TO hactl@localhost WITH GRANT OPTION;
SQL
END
}

seed() {
    local load="$client --binary-mode --init-command='SET SESSION sql_log_bin = 0, foreign_key_checks = 0, unique_checks = 0'"
    [ -z "$unlocked" ] || on "$1" "$client" <<<"$unlocked"
    on "$1" "$load" <"$work/dump"
    [ -z "$locked" ] || on "$1" "$client" <<<"$locked"
}

follow() {
    local change
    if [ "$FLAVOR" = mariadb ]; then
        change="CHANGE MASTER TO MASTER_HOST = '$primary', MASTER_PORT = 3306, MASTER_USER = 'repl',
            MASTER_PASSWORD = $(literal "$REPL_PASSWORD"), MASTER_CONNECT_RETRY = 1, MASTER_USE_GTID = slave_pos"
    else
        change="CHANGE REPLICATION SOURCE TO SOURCE_HOST = '$primary', SOURCE_PORT = 3306, SOURCE_USER = 'repl',
            SOURCE_PASSWORD = $(literal "$REPL_PASSWORD"), SOURCE_CONNECT_RETRY = 1, SOURCE_AUTO_POSITION = 1,
            SOURCE_SSL = 1"
    fi
    on "$1" <<END
set -eu
$client <<'SQL'
$change;
START $word;
SQL
for try in \$(seq 300); do
    status=\$($client -E -e 'SHOW $word STATUS')
    case \$status in
    *"${column}_IO_Running: Yes"*"${column}_SQL_Running: Yes"*) exit 0 ;;
    esac
    sleep 0.1
done
echo "\$status" >&2
exit 1
END
}

arrives() {
    on "$1" <<END
for try in \$(seq 300); do
    [ "\$($client -N -e 'SELECT id FROM canary.t' 2>/dev/null)" != 7 ] || exit 0
    sleep 0.1
done
echo "no row arrives on $1" >&2
exit 1
END
}

each server "${hosts[@]}"
accounts
on "$primary" "$(tr -s '\n ' ' ' <<<"$dump") --single-transaction --quick --all-databases --routines --events \
    --triggers --hex-blob --flush-privileges" </dev/null >"$work/dump"
tail -n 1 "$work/dump" | grep -q 'Dump completed'
each seed "${replicas[@]}"
each follow "${replicas[@]}"
on "$primary" "$client" <<<"SET GLOBAL $semi_sync = 1; CREATE DATABASE canary;
    CREATE TABLE canary.t (id INT PRIMARY KEY); INSERT INTO canary.t VALUES (7)"
each arrives "${replicas[@]}"
on "$primary" "$client" <<<"DROP DATABASE canary"
on "$primary" <<END
set -eu
arping -q -D -c 1 -w 1 -I eth0 ${VIP%/*}
ip addr add $VIP dev eth0
arping -q -U -c 3 -I eth0 ${VIP%/*} >/dev/null 2>&1 &
END
