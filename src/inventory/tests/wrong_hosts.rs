//! Mistakes in the file's shape, its hosts and its VIP, as a person sees them.

use insta::assert_snapshot;

use super::{HEAD, drawn, instead, with};

#[test]
fn wrong_shape() {
    assert_snapshot!(drawn(""), @r"
    error: the inventory is empty
     --> inventory.yml:1:1
      |
    1 |
      | ^
      |
      = help: write at least `cluster:`, `server:`, `accounts:` and `hosts:`; inventory.example.yml has every key explained
    ");
    assert_snapshot!(drawn("# soon\n"), @r"
    error: the inventory is empty
     --> inventory.yml:1:1
      |
    1 | # soon
      | ^
      |
      = help: write at least `cluster:`, `server:`, `accounts:` and `hosts:`; inventory.example.yml has every key explained
    ");
    assert_snapshot!(drawn("[all]\ndb1 ansible_host=192.0.2.1\n"), @r"
    error: this is not valid YAML
     --> inventory.yml:2:1
      |
    2 | db1 ansible_host=192.0.2.1
      | ^ nothing may follow the value that ended above
      |
      = help: look for a missing colon, quote or bracket here or in the line above; keys of one level start in one column, and text with `: ` or ` #` in it needs quotes
    ");
    assert_snapshot!(drawn("cluster: shop\n"), @r"
    error: `server` is missing
     --> inventory.yml:1:1
      |
    1 | cluster: shop
      | ^^^^^^^ `server` belongs in here
      |
      = help: add `server: …`
    ");
    assert_snapshot!(with("vips: {}\n"), @r"
    error: unknown key `vips`
     --> inventory.yml:7:1
      |
    7 | vips: {}
      | ^^^^ not a key that belongs here
      |
      = help: did you mean `vip`?
    ");
    assert_snapshot!(instead("address: 192.0.2.2", "adress: 192.0.2.2"), @r"
    error: unknown key `adress`
      --> inventory.yml:10:9
       |
    10 |   db2: {adress: 192.0.2.2}
       |         ^^^^^^ not a key that belongs here
       |
       = help: did you mean `address`?
    ");
    assert_snapshot!(instead("address: 192.0.2.2", "address: 192.0.2.2, port: x"), @r"
    error: `port` must be a whole number from 0 to 65535
      --> inventory.yml:10:35
       |
    10 |   db2: {address: 192.0.2.2, port: x}
       |                                   ^ found text
    ");
    assert_snapshot!(instead("flavor: mariadb", "flavor: maria"), @r"
    error: `flavor` must be one of mariadb, mysql
     --> inventory.yml:2:18
      |
    2 | server: {flavor: maria}
      |                  ^^^^^ not one of them
      |
      = help: did you mean `mariadb`?
    ");
    assert_snapshot!(instead("flavor: mariadb", "flavor: mariadb, version: 10.11"), @r#"
    error: `version` must be text
     --> inventory.yml:2:36
      |
    2 | server: {flavor: mariadb, version: 10.11}
      |                                    ^^^^^ found a number with a fraction
      |
      = help: put it in quotes: "10.11"
    "#);
    assert_snapshot!(instead("  db3:", "  db2:"), @r"
    error: `db2` is written twice
      --> inventory.yml:11:3
       |
    10 |   db2: {address: 192.0.2.2}
       |   --- first here
    11 |   db2: {address: 192.0.2.3}
       |   ^^^ again here
       |
       = help: keep one of the two; the later one would silently win
    ");
    assert_snapshot!(instead("192.0.2.2", "192.0.2.2, promotion: maybe"), @r"
    error: `promotion` must be one of prefer, allow, avoid, never
      --> inventory.yml:10:40
       |
    10 |   db2: {address: 192.0.2.2, promotion: maybe}
       |                                        ^^^^^ not one of them
    ");
}

#[test]
fn wrong_hosts() {
    assert_snapshot!(instead("192.0.2.3", "192.0.2.1"), @r"
    error: db1 and db3 have one address
      --> inventory.yml:11:18
       |
     9 |   db1: {address: 192.0.2.1, primary: true}
       |                  --------- this one
    10 |   db2: {address: 192.0.2.2}
    11 |   db3: {address: 192.0.2.1}
       |                  ^^^^^^^^^ the same as
       |
       = help: give each host its own address
    ");
    assert_snapshot!(
        instead("192.0.2.1, primary: true}\n  db2: {", "192.0.2.1, primary: true, server_id: 5}\n  db2: {server_id: 5, "),
        @r"
    error: db1 and db2 have one server_id, 5
      --> inventory.yml:10:20
       |
     9 |   db1: {address: 192.0.2.1, primary: true, server_id: 5}
       |                                                       - this one
    10 |   db2: {server_id: 5, address: 192.0.2.2}
       |                    ^ the same as
       |
       = help: give one of them another `server_id:`; without the key it is made of the address
    "
    );
    assert_snapshot!(instead("192.0.2.1, primary: true}", "192.0.2.1, primary: true, server_id: 3221225986}"), @r"
    error: db1 and db2 have one server_id, 3221225986
      --> inventory.yml:10:3
       |
     9 |   db1: {address: 192.0.2.1, primary: true, server_id: 3221225986}
       |                                                       ---------- this one
    10 |   db2: {address: 192.0.2.2}
       |   ^^^ the same as
       |
       = help: give one of them another `server_id:`; without the key it is made of the address
    ");
    assert_snapshot!(instead(", primary: true", ""), @r"
    error: no host is the primary
     --> inventory.yml:8:1
      |
    8 | hosts:
      | ^^^^^ none of these has `primary: true`
      |
      = help: write `primary: true` at the host that has the data, or at any one of new hosts
    ");
    assert_snapshot!(instead("192.0.2.2", "192.0.2.2, primary: true"), @r"
    error: db1 and db2 are both the primary
      --> inventory.yml:10:38
       |
     9 |   db1: {address: 192.0.2.1, primary: true}
       |                                      ---- the first one
    10 |   db2: {address: 192.0.2.2, primary: true}
       |                                      ^^^^ the second one
       |
       = help: keep one: the others replicate from it
    ");
}

#[test]
fn a_wrong_host() {
    assert_snapshot!(instead("primary: true", "primary: true, promotion: never"), @r"
    error: db1 is the primary and may never be one
     --> inventory.yml:9:55
      |
    9 |   db1: {address: 192.0.2.1, primary: true, promotion: never}
      |                                                       ^^^^^ contradicts `primary: true`
      |
      = help: let another host be the primary, or allow this one: `promotion: avoid`
    ");
    assert_snapshot!(instead("db2:", "\"-oProxyCommand=x\":"), @r#"
    error: not a host's name
      --> inventory.yml:10:3
       |
    10 |   "-oProxyCommand=x": {address: 192.0.2.2}
       |   ^^^^^^^^^^^^^^^^^^ a name has 1 to 63 letters, digits, `-`, `.` and `_`, and begins with a letter or a digit
       |
       = help: choose one like `db1`; its address goes below it
    "#);
    assert_snapshot!(instead("db2:", "all:"), @r"
    error: a host cannot be called `all`
      --> inventory.yml:10:3
       |
    10 |   all: {address: 192.0.2.2}
       |   ^^^ the word has a meaning in `--limit`
       |
       = help: choose another
    ");
    assert_snapshot!(instead("192.0.2.2", "192.0.2.2:3306"), @r"
    error: not a host's address
      --> inventory.yml:10:18
       |
    10 |   db2: {address: 192.0.2.2:3306}
       |                  ^^^^^^^^^^^^^^ expected one address
       |
       = help: write the port apart, as `port: …` (ssh's as `ssh: {port: …}`)
    ");
    assert_snapshot!(instead("192.0.2.2", "192.0.2.2, port: 0, server_id: 0, groups: [db1, a b]"), @r"
    error: not a port
      --> inventory.yml:10:35
       |
    10 |   db2: {address: 192.0.2.2, port: 0, server_id: 0, groups: [db1, a b]}
       |                                   ^ nothing can listen on 0
       |
       = help: write 1 to 65535

    error: not a server_id
      --> inventory.yml:10:49
       |
    10 |   db2: {address: 192.0.2.2, port: 0, server_id: 0, groups: [db1, a b]}
       |                                                 ^ 0 switches replication off
       |
       = help: write 1 to 4294967295, or leave it out

    error: a group cannot be called `db1`
      --> inventory.yml:10:61
       |
    10 |   db2: {address: 192.0.2.2, port: 0, server_id: 0, groups: [db1, a b]}
       |                                                             ^^^ the word means something else already
       |
       = help: choose one like `reporting`

    error: not a group's name
      --> inventory.yml:10:66
       |
    10 |   db2: {address: 192.0.2.2, port: 0, server_id: 0, groups: [db1, a b]}
       |                                                                  ^^^ letters, digits, `-`, `.`, `_`
       |
       = help: choose one like `reporting`
    ");
    assert_snapshot!(drawn(&format!("{HEAD}hosts: {{}}\n")), @r"
    error: the cluster has no hosts
     --> inventory.yml:7:1
      |
    7 | hosts: {}
      | ^^^^^ none in here
      |
      = help: add one: db1: {address: 192.0.2.1, primary: true}
    ");
    assert_snapshot!(drawn(&format!("{HEAD}hosts:\n")), @r"
    error: the cluster has no hosts
     --> inventory.yml:7:1
      |
    7 | hosts:
      | ^^^^^ none in here
      |
      = help: add one: db1: {address: 192.0.2.1, primary: true}
    ");
    assert_snapshot!(drawn(&format!("{HEAD}durability: lossless\nhosts: {{a: {{address: a, primary: true}}}}\n")), @r"
    error: `lossless` needs a replica
     --> inventory.yml:7:13
      |
    7 | durability: lossless
      |             ^^^^^^^^ no replica could acknowledge a commit
      |
      = help: add a host, or remove this line
    ");
}

#[test]
fn wrong_vip() {
    assert_snapshot!(instead("192.0.2.90/24", "192.0.2.3/24"), @r"
    error: the writer VIP is db3's own address
      --> inventory.yml:7:25
       |
     7 | vip: {writer: {address: 192.0.2.3/24, interface: eth0}}
       |                         ^^^^^^^^^^^^ it moves from host to host
    ...
    11 |   db3: {address: 192.0.2.3}
       |                  --------- and this one stays
       |
       = help: choose a free address of the same network
    ");
    assert_snapshot!(instead("192.0.2.90/24", "192.0.2.90"), @r"
    error: not a VIP's address
     --> inventory.yml:7:25
      |
    7 | vip: {writer: {address: 192.0.2.90, interface: eth0}}
      |                         ^^^^^^^^^^ expected address/prefix
      |
      = help: add the network's prefix length: 192.0.2.90/24 (or 192.0.2.90/32 for this address alone)
    ");
    assert_snapshot!(instead("192.0.2.90/24, interface: eth0", "192.0.2.0/24, interface: eth 0"), @r"
    error: not a VIP's address
     --> inventory.yml:7:25
      |
    7 | vip: {writer: {address: 192.0.2.0/24, interface: eth 0}}
      |                         ^^^^^^^^^^^^ expected address/prefix
      |
      = help: this is the network's own or its broadcast address: choose a host's

    error: not a network interface's name
     --> inventory.yml:7:50
      |
    7 | vip: {writer: {address: 192.0.2.0/24, interface: eth 0}}
      |                                                  ^^^^^ at most 15 letters, digits, `-`, `_`, `.`
      |
      = help: write the name that `ip link` shows on the hosts: eth0
    ");
}
