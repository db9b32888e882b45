//! Tests of the room as its users see it: an inventory's text in, a cluster or drawn mistakes out.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use insta::assert_snapshot;
use proptest::prelude::*;
use secrecy::{ExposeSecret, SecretString};

use super::*;
use crate::fixture::refused_by;
use crate::mysql::Flavor;
use crate::yaml::{Diagnostics, Paint, Source};

mod ansible;
mod failover;
mod replication;
mod schema;
mod wrong_hosts;
mod wrong_values;

/// An environment with every password set; nothing of this machine is read.
struct FakeSecrets(BTreeMap<String, String>);

impl FakeSecrets {
    fn new() -> Self {
        let set = [
            ("REPL_PASSWORD", "s3cret-r"),
            ("MONITOR_PASSWORD", "s3cret-m"),
            ("ADMIN_PASSWORD", "s3cret-a"),
            ("SUDO_PASSWORD", "s3cret-s"),
            ("LONG", "s3cret-s3cret-s3cret-s3cret-s3cret"),
            ("EMPTY", ""),
            ("TWO_LINES", "s3cret\ns3cret"),
            ("HOME", "/home/me"),
        ];
        Self(
            set.into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

impl Secrets for FakeSecrets {
    fn env(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn file(&self, path: &Path) -> Result<SecretString, SecretError> {
        if path.ends_with("open") {
            return Err(SecretError::Exposed {
                path: path.to_owned(),
                mode: 0o644,
            });
        }
        // The content is the path, so that a test sees which one was asked for.
        Ok(SecretString::from(path.display().to_string()))
    }

    fn command(&self, command: &str) -> Result<SecretString, SecretError> {
        Ok(SecretString::from(format!("output of {command}")))
    }
}

/// Reads a text. What is good to hactl is good to an editor, too.
fn parse(text: &str) -> Result<Cluster, Diagnostics> {
    let read = Inventory::parse(
        Source::new("inventory.yml", text),
        Path::new("/etc/hactl"),
        &FakeSecrets::new(),
    );
    if read.is_ok() {
        assert_eq!(refused_by(&Inventory::schema(), text), None, "{text}");
    }
    read
}

/// The mistakes of a text, drawn; none of them may show a password.
fn drawn(text: &str) -> String {
    let found = parse(text).expect_err("this text is wrong");
    let shown = found.render(Paint::Plain);
    assert!(
        !format!("{shown}{found}{found:?}").contains("s3cret"),
        "{shown}"
    );
    shown
}

const HEAD: &str = "\
cluster: shop
server: {flavor: mariadb}
accounts:
  replication: {user: repl, password: \"env:REPL_PASSWORD\"}
  monitor: {user: monitor, password: \"env:MONITOR_PASSWORD\"}
  admin: {user: hactl, password: \"env:ADMIN_PASSWORD\"}
";

const HOSTS: &str = "\
hosts:
  db1: {address: 192.0.2.1, primary: true}
  db2: {address: 192.0.2.2}
  db3: {address: 192.0.2.3}
";

/// The mistakes when something is added to a good inventory.
fn with(more: &str) -> String {
    drawn(&format!("{HEAD}{more}{HOSTS}"))
}

/// The mistakes when a part of a good inventory is replaced.
fn instead(of: &str, other: &str) -> String {
    let good =
        format!("{HEAD}vip: {{writer: {{address: 192.0.2.90/24, interface: eth0}}}}\n{HOSTS}");
    assert!(good.contains(of), "{of}");
    assert!(parse(&good).is_ok());
    drawn(&good.replace(of, other))
}

#[test]
fn the_example_loads() {
    let text = include_str!("../../../inventory.example.yml");
    let cluster = parse(text).unwrap();
    assert_eq!(cluster.name.as_ref(), "shop");
    assert_eq!(cluster.server.flavor, Flavor::MariaDb);
    assert_eq!(cluster.server.port, 3306);
    assert_eq!(cluster.durability, Durability::Lossless);
    assert_eq!(cluster.vip.as_ref().unwrap().to_string(), "192.168.3.90/24");
    assert_eq!(cluster.initial_primary().as_ref(), "db1");
    assert_eq!(cluster.hosts.len(), 3);
    assert_eq!(
        cluster.accounts.replication.password.expose_secret(),
        "s3cret-r"
    );
    assert_eq!(cluster.accounts.replication.to_string(), "'repl'@'%'");
    let db3 = &cluster.hosts["db3"];
    assert_eq!(
        (db3.initial, db3.promotion),
        (InitialRole::Replica, Promotion::Never)
    );
    assert_eq!(db3.server_id, 0xc0a8_0366);
    assert_eq!(db3.ssh.user.as_deref(), Some("root"));
    assert_eq!(db3.ssh.connect_timeout, Duration::from_secs(10));
}

/// What the example's comments offer is right as well: each commented key, on its own.
#[test]
fn the_examples_comments_load() {
    let text = include_str!("../../../inventory.example.yml");
    let mut tried = 0;
    for (number, line) in text.lines().enumerate() {
        let Some((indent, rest)) = line.split_once("# ") else {
            continue;
        };
        let is_key = indent.trim().is_empty()
            && rest.split_once(": ").is_some_and(|(key, _)| {
                key.chars().all(|c| c.is_ascii_lowercase() || c == '_') && key != "vip"
            });
        if !is_key {
            continue;
        }
        tried += 1;
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines[number] = format!("{indent}{rest}");
        let changed = lines.join("\n");
        if let Err(wrong) = parse(&changed) {
            panic!("line {}: {}", number + 1, wrong.render(Paint::Plain));
        }
    }
    assert!(tried >= 15, "only {tried} comments were tried");
}

#[test]
fn hosts_overlay_what_is_said_for_all() {
    let text = HEAD.replace(
        "server: {flavor: mariadb}",
        "server: {flavor: mysql, port: 3307, settings: {max-connections: 10, innodb_buffer_pool_size: 1G}}\n\
         ssh: {user: admin, port: 2222, key: keys/id, known_hosts: ~/.ssh/known, become: sudo, compression: true, connect_timeout: 1m}",
    ) + "\
hosts:
  db1: {address: 192.0.2.1, primary: true}
  db2: {address: DB2.example.com, port: 3308, server_id: 7, settings: {max_connections: 20}, ssh: {port: 22, become: none, jump: a@b:1}, groups: [z, a, z]}
";
    let cluster = parse(&text).unwrap();
    assert_eq!(cluster.durability, Durability::Available);
    let (db1, db2) = (&cluster.hosts["db1"], &cluster.hosts["db2"]);
    assert_eq!((db1.port, db2.port, db2.server_id), (3307, 3308, 7));
    assert_eq!(db1.settings["max_connections"], Scalar::Int(10));
    assert_eq!(db2.settings["max_connections"], Scalar::Int(20));
    assert_eq!(
        db2.settings["innodb_buffer_pool_size"],
        Scalar::Text("1G".into())
    );
    assert_eq!(db2.groups, ["a", "z"]);
    assert_eq!(
        db2.ssh,
        SshTarget {
            address: Address::Name("db2.example.com".into()),
            user: Some("admin".into()),
            port: Some(22),
            key: Some(PathBuf::from("/etc/hactl/keys/id")),
            known_hosts: Some(PathBuf::from("/home/me/.ssh/known")),
            jump: Some("a@b:1".into()),
            become_root: Become::Never,
            become_password: None,
            compression: Some(true),
            connect_timeout: Duration::from_mins(1),
        }
    );
}

#[test]
fn passwords_come_from_where_they_are() {
    let text = format!("{HEAD}{HOSTS}")
        .replace("env:REPL_PASSWORD", "file:secrets/repl")
        .replace("env:MONITOR_PASSWORD", "file:~/monitor")
        .replace("env:ADMIN_PASSWORD", "cmd:pass show x");
    let accounts = parse(&text).unwrap().accounts;
    assert_eq!(
        accounts.replication.password.expose_secret(),
        "/etc/hactl/secrets/repl"
    );
    assert_eq!(
        accounts.monitor.password.expose_secret(),
        "/home/me/monitor"
    );
    assert_eq!(
        accounts.admin.password.expose_secret(),
        "output of pass show x"
    );
}

#[test]
fn sudo_gets_the_hosts_own_password_or_the_one_for_all() {
    let text = HEAD.to_owned()
        + "\
ssh: {user: ops, become: sudo, become_password: \"env:SUDO_PASSWORD\"}
hosts:
  db1: {address: 192.0.2.1, primary: true}
  db2: {address: 192.0.2.2, ssh: {become_password: \"cmd:pass show db2\"}}
  db3: {address: 192.0.2.3, ssh: {user: root, become: none}}
";
    let mut cluster = parse(&text).unwrap();
    assert!(!format!("{cluster:?}").contains("s3cret"));
    let password = |cluster: &Cluster, host: &str| {
        let given = cluster.hosts[host].ssh.become_password.as_ref();
        given.map(|given| given.0.expose_secret().to_owned())
    };
    assert_eq!(password(&cluster, "db1").as_deref(), Some("s3cret-s"));
    let own = password(&cluster, "db2");
    assert_eq!(own.as_deref(), Some("output of pass show db2"));
    let by_sudo: Vec<&str> = cluster.by_sudo().into_iter().map(AsRef::as_ref).collect();
    assert_eq!(by_sudo, ["db1", "db2"]);
    cluster.set_become_password(&SecretString::from("typed"));
    for host in ["db1", "db2"] {
        assert_eq!(password(&cluster, host).as_deref(), Some("typed"));
    }
    // Where nothing becomes root, nobody is given a password to keep.
    assert_eq!(password(&cluster, "db3"), None);
}

#[test]
fn debug_shows_no_password() {
    let shown = format!("{:?}", parse(&format!("{HEAD}{HOSTS}")).unwrap());
    assert!(
        shown.contains("'repl'@'%'") && !shown.contains("s3cret"),
        "{shown}"
    );
}

#[test]
fn files() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Inventory::load(&folder.path().join("none.yml")).unwrap_err();
    let shown = missing
        .render(Paint::Plain)
        .replace(&folder.path().display().to_string(), "");
    assert_snapshot!(shown, @r"
    error: cannot read the inventory /none.yml: No such file or directory (os error 2)
      |
      = help: name the inventory with `-i FILE` or HACTL_INVENTORY=FILE
    ");
    let path = folder.path().join("i.yml");
    std::fs::write(&path, b"cluster: shop\nserver: \xff\n").unwrap();
    let shown = Inventory::load(&path).unwrap_err().render(Paint::Plain);
    assert_snapshot!(shown.replace(&folder.path().display().to_string(), ""), @r"
    error: the inventory /i.yml:2 is not UTF-8 text
      |
      = help: save it as UTF-8; is it the right file?
    ");
}

#[test]
fn the_schema_has_every_key() {
    let schema = Inventory::schema().to_value().to_string();
    for key in [
        "cluster",
        "replication",
        "connect_timeout",
        "server_id",
        "promotion",
        "lossless",
        "probe_interval",
        "before_promote",
        "mha-shutdown",
        "lease",
    ] {
        assert!(schema.contains(key), "{key}");
    }
}

prop_compose! {
    /// A number of hosts with their last byte, port, promotion and a setting.
    fn wanted_hosts()(
        hosts in prop::collection::btree_map(1_u8..=250, (1_u16.., 0_usize..4, any::<i64>()), 1..9),
        primary in any::<prop::sample::Index>(),
    ) -> (Vec<(u8, (u16, usize, i64))>, usize) {
        let at = primary.index(hosts.len());
        (hosts.into_iter().collect(), at)
    }
}

proptest! {
    #[test]
    fn what_is_written_is_what_is_wanted((hosts, primary) in wanted_hosts()) {
        let flags = ["prefer", "allow", "avoid", "never"];
        let mut text = format!("{HEAD}hosts:\n");
        for (i, (byte, (port, flag, setting))) in hosts.iter().enumerate() {
            let role = if i == primary { "primary: true".into() } else { format!("promotion: {}", flags[*flag]) };
            writeln!(text, "  h{byte}: {{address: 10.0.0.{byte}, port: {port}, {role}, settings: {{x: {setting}}}}}").unwrap();
        }
        let cluster = parse(&text).unwrap();
        prop_assert_eq!(cluster.hosts.len(), hosts.len());
        prop_assert_eq!(cluster.initial_primary().to_string(), format!("h{}", hosts[primary].0));
        for (byte, (port, flag, setting)) in &hosts {
            let name = format!("h{byte}");
            let host = &cluster.hosts[name.as_str()];
            prop_assert_eq!(host.address.to_string(), format!("10.0.0.{byte}"));
            prop_assert_eq!(host.port, *port);
            prop_assert_eq!(host.server_id, 0x0a00_0000 + u32::from(*byte));
            prop_assert_eq!(&host.settings["x"], &Scalar::Int(*setting));
            if host.initial == InitialRole::Replica {
                let wanted = [Promotion::Prefer, Promotion::Allow, Promotion::Avoid, Promotion::Never];
                prop_assert_eq!(host.promotion, wanted[*flag]);
            }
        }
    }

    /// A good inventory with one piece of it replaced by anything: no panic, no password.
    #[test]
    fn a_damaged_inventory_is_a_message(
        start in any::<prop::sample::Index>(),
        length in 0_usize..30,
        other in "[a-z0-9:{}\\[\\],\"'\n ~|#-]{0,12}",
    ) {
        let text = format!("{HEAD}{HOSTS}").replace("env:REPL_PASSWORD", "s3cret:s3cret");
        let at = start.index(text.len());
        let end = (at + length).min(text.len());
        let damaged = format!("{}{other}{}", &text[..at], &text[end..]);
        // Only where the password is still a password's value.
        prop_assume!(damaged.contains("password: \"s3cret:s3cret\""));
        let found = parse(&damaged);
        let shown = match &found {
            Ok(cluster) => format!("{cluster:?}"),
            Err(found) => format!("{}{found}{found:?}", found.render(Paint::Plain)),
        };
        prop_assert!(!shown.contains("s3cret"), "{}\n{}", damaged, shown);
    }
}
