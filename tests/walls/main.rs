//! The walls between the rooms of the crate, and the habits of its files. Each wall is a function over
//! a file's path and text, and is proven here on a text that breaks it: a wall that lets everything
//! through would look just like a clean crate. Must never look at anything but source text.

#![allow(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and a table is long"
)]

mod source;
mod walls;

use std::path::{Path, PathBuf};

use walls::{WALLS, breaches};

/// Every file below a folder of the crate, as (path from the crate's root, text).
fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root.join(folder)];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no .{extension} files below {folder}");
    found
}

#[test]
fn the_crate_keeps_every_wall() {
    let mut all = files("src", "rs");
    all.extend(files("playbooks", "yml"));
    let found: Vec<_> = all
        .iter()
        .flat_map(|(path, text)| breaches(path, text))
        .collect();
    assert!(
        found.is_empty(),
        "{} breach(es):\n{}",
        found.len(),
        found.join("\n")
    );
}

/// One planted file for each wall and each way through it; the right wall must name the right line.
#[test]
fn every_wall_stops_what_it_is_for() {
    let planted = [
        (
            "effects",
            "src/decide/x.rs",
            "//! X.\nuse crate::fleet::Fleet;\n",
            2,
        ),
        (
            "effects",
            "src/plan/x.rs",
            "//! X.\nuse crate::{facts, observe};\n",
            2,
        ),
        (
            "effects",
            "src/plan/x.rs",
            "//! X.\nuse crate::{\n    facts::A,\n    observe::B,\n};\n",
            2,
        ),
        (
            "effects",
            "src/facts/x.rs",
            "//! X.\nuse super::super::execute;\n",
            2,
        ),
        (
            "effects",
            "src/yaml/x.rs",
            "//! X.\nuse std::{fmt, fs};\n",
            2,
        ),
        (
            "effects",
            "src/mysql/x.rs",
            "//! X.\n\nfn f() { std::thread::yield_now(); }\n",
            3,
        ),
        (
            "effects",
            "src/mysql/x.rs",
            "//! X.\nuse std::net::TcpStream;\n",
            2,
        ),
        (
            "effects",
            "src/playbook/x.rs",
            "//! X.\nasync fn f() {}\n",
            2,
        ),
        (
            "effects",
            "src/playbook/x.rs",
            "//! X.\nfn f() { g().await; }\n",
            2,
        ),
        (
            "effects",
            "src/decide/x.rs",
            "//! X.\nfn f() { std::time::Instant::now(); }\n",
            2,
        ),
        (
            "effects",
            "src/decide/x.rs",
            "//! X.\nfn f() { jiff::Timestamp::now(); }\n",
            2,
        ),
        (
            "effects",
            "src/decide/x.rs",
            "//! X.\nuse tokio::time::sleep;\n",
            2,
        ),
        (
            "effects",
            "src/decide/x.rs",
            "//! X.\nfn f() { rand::random(); }\n",
            2,
        ),
        (
            "flavors",
            "src/decide/x.rs",
            "//! X.\nfn f() { g(Flavor::MariaDb); }\n",
            2,
        ),
        (
            "flavors",
            "src/cli/x.rs",
            "//! X.\nfn f() { g() == \"mysql\"; }\n",
            2,
        ),
        (
            "flavors",
            "src/fleet/x.rs",
            "//! X.\nfn f(d: D) { d.is_mariadb(); }\n",
            2,
        ),
        (
            "flavors",
            "playbooks/x.yml",
            "- name: X\n  when: server.flavor == 'mariadb'\n",
            2,
        ),
        (
            "check mode",
            "src/fleet/x.rs",
            "//! X.\nfn f(dry_run: bool) {}\n",
            2,
        ),
        (
            "check mode",
            "src/execute/x.rs",
            "//! X.\nfn f(check_mode: bool) {}\n",
            2,
        ),
        ("headers", "src/cli/x.rs", "use x;\n", 1),
        ("headers", "src/cli/x.rs", "// X.\n", 1),
        (
            "panics",
            "src/cli/x.rs",
            "//! X.\nfn f() { g().unwrap(); }\n",
            2,
        ),
        (
            "panics",
            "src/cli/x.rs",
            "//! X.\nfn f() { g().expect(\"it\"); }\n",
            2,
        ),
        (
            "panics",
            "src/cli/x.rs",
            "//! X.\nfn f() { panic!(\"no\"); }\n",
            2,
        ),
        (
            "panics",
            "src/cli/x.rs",
            "//! X.\nfn f() { unreachable!(); }\n",
            2,
        ),
        (
            "panics",
            "src/cli/x.rs",
            "//! X.\n#[cfg(test)]\nmod tests {\n    fn f() {}\n}\nfn f() { g().unwrap(); }\n",
            6,
        ),
    ];
    for (wall, path, text, line) in planted {
        let found = breaches(path, text);
        let start = format!("{path}:{line}: [{wall}]");
        assert!(
            found.iter().any(|breach| breach.starts_with(&start)),
            "{text:?} in {path} is not stopped by {start}: {found:?}"
        );
    }
    let long = format!("//! X.\n{}", "// filler\n".repeat(450));
    assert_eq!(breaches("src/cli/x.rs", &long).len(), 1, "451 lines");
    let proven = |name: &str| name == "length" || planted.iter().any(|(wall, ..)| *wall == name);
    assert!(
        WALLS.iter().all(|wall| proven(wall.name)),
        "each wall has its proof"
    );
}

/// What looks like a breach and is none.
#[test]
fn nothing_innocent_is_stopped() {
    let innocent = [
        (
            "src/decide/x.rs",
            "//! What `crate::fleet` must never do; tokio, .await, rand.\n",
        ),
        (
            "src/decide/x.rs",
            "//! X.\n/// Never `Flavor::MariaDb`, never unwrap().\nfn f() {}\n",
        ),
        (
            "src/decide/x.rs",
            "//! X.\nuse std::net::IpAddr;\nuse crate::inventory::Host;\n",
        ),
        (
            "src/plan/x.rs",
            "//! X.\nfn f() { let observed = 1; let reporter = observed; }\n",
        ),
        (
            "src/mysql/x.rs",
            "//! X.\nfn f(d: D) { d.is_mariadb(); g(Flavor::MySql); }\n",
        ),
        (
            "src/fleet/x.rs",
            "//! X.\nasync fn f() { tokio::time::sleep(g()).await; }\n",
        ),
        (
            "src/fleet/x.rs",
            "//! X.\nfn f() { say(\"run mysql and mariadb\"); }\n",
        ),
        (
            "src/cli/x.rs",
            "//! X.\nfn f(dry_run: bool) { g().unwrap_or_default(); }\n",
        ),
        (
            "src/cli/x.rs",
            "//! X.\n#[expect(dead_code)]\nfn expected() { unwrapped(); }\n",
        ),
        (
            "src/decide/x.rs",
            "//! X.\n#[cfg(test)]\nmod tests {\n    fn f() { g().unwrap(); }\n}\n",
        ),
        ("src/yaml/tests.rs", "//! X.\nfn f() { g().unwrap(); }\n"),
        (
            "playbooks/x.yml",
            "- name: Anything about mariadb\n  when: server.start_program\n",
        ),
    ];
    for (path, text) in innocent {
        assert_eq!(breaches(path, text), Vec::<String>::new(), "{text}");
    }
}
