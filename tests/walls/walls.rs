//! The walls as a table: a name, the files that it is about, and what breaks it.

use super::source::{code, has_word};

/// One wall.
pub(crate) struct Wall {
    pub(crate) name: &'static str,
    /// Whether a file of this path stands behind it.
    about: fn(&str) -> bool,
    /// The lines that break it, each with what is wrong there.
    find: fn(&str, &str) -> Vec<(usize, String)>,
}

pub(crate) const WALLS: &[Wall] = &[
    Wall {
        name: "effects",
        about: is_pure,
        find: effects,
    },
    Wall {
        name: "flavors",
        about: asks_no_flavor,
        find: flavors,
    },
    Wall {
        name: "check mode",
        about: |path| is_rust(path) && !path.starts_with("src/cli/"),
        find: check_mode,
    },
    Wall {
        name: "headers",
        about: |path| path.starts_with("src/"),
        find: header,
    },
    Wall {
        name: "length",
        about: |path| path.starts_with("src/"),
        find: length,
    },
    Wall {
        name: "panics",
        about: is_rust,
        find: panics,
    },
];

/// Every breach of every wall in one file: `path:line: [wall] what`.
pub(crate) fn breaches(path: &str, text: &str) -> Vec<String> {
    WALLS
        .iter()
        .filter(|wall| (wall.about)(path))
        .flat_map(|wall| {
            (wall.find)(path, text)
                .into_iter()
                .map(|(line, what)| format!("{path}:{line}: [{}] {what}", wall.name))
        })
        .collect()
}

const PURE: [&str; 6] = ["yaml", "mysql", "facts", "decide", "plan", "playbook"];
const EFFECTFUL: [&str; 6] = ["fleet", "observe", "execute", "watch", "cli", "report"];

/// Rust of the crate that is not a file of tests.
fn is_rust(path: &str) -> bool {
    let in_tests = path.contains("/tests/") || path.ends_with("/tests.rs");
    path.starts_with("src/") && !in_tests && path != "src/fixture.rs"
}

fn is_pure(path: &str) -> bool {
    let room = |name: &&str| path.starts_with(&format!("src/{name}/"));
    is_rust(path) && PURE.iter().any(room)
}

fn asks_no_flavor(path: &str) -> bool {
    path.starts_with("playbooks/") || (is_rust(path) && !path.starts_with("src/mysql/"))
}

/// The words of effects. `std::net` also has addresses, which are data.
fn effects(_: &str, text: &str) -> Vec<(usize, String)> {
    const WORDS: [&str; 13] = [
        "tokio",
        "async",
        "await",
        "Instant",
        "SystemTime",
        "rand",
        "getrandom",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "UnixStream",
        "ToSocketAddrs",
        "Timestamp::now",
    ];
    const STD: [&str; 5] = ["fs", "process", "thread", "env", "io"];
    each_line(text, |line| {
        let word = WORDS.into_iter().find(|word| has_word(line, word));
        let std = STD.into_iter().find(|name| names(line, "std", name));
        let room = EFFECTFUL
            .into_iter()
            .find(|name| names(line, "crate", name) || names(line, "super", name));
        word.or(std)
            .or(room)
            .map(|what| format!("a room without effects names `{what}`"))
    })
}

/// `root::name`, also in `use root::{…, name, …}`.
fn names(line: &str, root: &str, name: &str) -> bool {
    let path = format!("{root}::{name}");
    let group = format!("{root}::{{");
    let in_group = || {
        line.split_once(&group).is_some_and(|(_, inner)| {
            inner
                .split([',', '}', ' ', '{'])
                .any(|part| part == name || part.starts_with(&format!("{name}::")))
        })
    };
    has_word(line, &path) || in_group()
}

/// Words by which one flavor is told from the other.
const FLAVOR_WORDS: [&str; 5] = [
    "Flavor::MariaDb",
    "Flavor::MySql",
    "\"mariadb\"",
    "\"mysql\"",
    "is_mariadb",
];

/// The flavor is asked for by the dialect's neutral words; `src/inventory` passes it on unread.
fn flavors(path: &str, text: &str) -> Vec<(usize, String)> {
    if path.starts_with("playbooks/") {
        let lines = text.lines().enumerate();
        return lines
            .filter(|(_, line)| !line.trim_start().starts_with('#') && line.contains("flavor"))
            .map(|(index, _)| (index + 1, "asks for the flavor".to_owned()))
            .collect();
    }
    // The name of the servers' own database, which no account may be called after.
    let allowed =
        |line: &str| path == "src/inventory/check/accounts.rs" && line == "    \"mysql\",";
    each_line(text, |line| {
        let word = FLAVOR_WORDS.into_iter().find(|word| line.contains(word))?;
        (!allowed(line)).then(|| format!("asks for the flavor by `{word}`"))
    })
}

fn check_mode(_: &str, text: &str) -> Vec<(usize, String)> {
    const WORDS: [&str; 6] = [
        "dry_run",
        "dryrun",
        "check_mode",
        "noop",
        "simulate",
        "check_only",
    ];
    each_line(text, |line| {
        let lower = line.to_ascii_lowercase();
        let word = WORDS.into_iter().find(|word| lower.contains(word))?;
        Some(format!("`{word}` below the command line"))
    })
}

fn header(_: &str, text: &str) -> Vec<(usize, String)> {
    if text.starts_with("//! ") {
        Vec::new()
    } else {
        vec![(1, "does not begin with `//!` and what it is for".to_owned())]
    }
}

const LONGEST: usize = 450;
/// Tables of cases may be longer.
const LONGEST_TESTS: usize = 600;
/// Files that are one long table or list by nature.
const LONGER: [(&str, usize); 1] = [("src/mysql/server_facts.rs", 510)];

fn length(path: &str, text: &str) -> Vec<(usize, String)> {
    let allowed = LONGER
        .into_iter()
        .find_map(|(name, lines)| (name == path).then_some(lines));
    let lines = text.lines().count();
    let longest = if is_rust(path) {
        LONGEST
    } else {
        LONGEST_TESTS
    };
    if lines > allowed.unwrap_or(longest) {
        vec![(lines, format!("{lines} lines: split it by its nouns"))]
    } else {
        Vec::new()
    }
}

fn panics(path: &str, text: &str) -> Vec<(usize, String)> {
    const WORDS: [&str; 6] = [
        ".unwrap()",
        ".expect(",
        "panic!(",
        "unreachable!(",
        "todo!(",
        "unimplemented!(",
    ];
    // What the driver calls taking a row's values apart; it panics only where they were taken before.
    let allowed = |line: &str| path == "src/fleet/sql.rs" && line.contains("zip(row.unwrap()");
    each_line(text, |line| {
        let word = WORDS.into_iter().find(|word| line.contains(word))?;
        (!allowed(line)).then(|| format!("`{word}` outside tests"))
    })
}

fn each_line(text: &str, find: impl Fn(&str) -> Option<String>) -> Vec<(usize, String)> {
    code(text)
        .into_iter()
        .filter_map(|(number, line)| Some((number, find(&line)?)))
        .collect()
}
