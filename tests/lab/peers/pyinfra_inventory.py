"""The lab's hosts, for pyinfra."""

import os

_data = {
    "ssh_user": "root",
    "ssh_key": os.environ["PEER_KEY"],
    "ssh_known_hosts_file": os.environ["PEER_KNOWN_HOSTS"],
    "ssh_strict_host_key_checking": "yes",
}

hosts = [(address, _data) for address in os.environ["PEER_HOSTS"].split()]
