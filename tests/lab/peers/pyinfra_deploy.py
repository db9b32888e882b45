"""What `hactl bootstrap` looks at and pyinfra can: packages, a file, the service, accounts (its own ones).
`make bench-peers` runs it where nothing is left to do."""

import io
import json
import os

from pyinfra import host
from pyinfra.operations import apt, files, mysql, systemd

variables = json.loads(os.environ["PEER_VARIABLES"])

apt.packages(
    name="Packages",
    packages=[variables["server_package"], "iputils-arping"],
    no_recommends=True,
)

files.put(
    name="A file",
    src=io.StringIO(f"# {host.name}\nsync_binlog = 1\ninnodb_flush_log_at_trx_commit = 1\n"),
    dest="/etc/peer.conf",
    mode="644",
)

systemd.service(
    name="The service",
    service=variables["server_unit"],
    running=True,
    enabled=True,
)

if host.name == variables["primary"]:
    for account in ("replication", "monitor", "admin"):
        mysql.user(name=f"Account {account}", user=f"pyinfra_{account}", user_hostname="localhost")
