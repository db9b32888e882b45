//! The command line, as clap reads it. The help texts are these doc comments.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::inventory::HostName;

/// Declarative high availability for MySQL and MariaDB.
///
/// Reads an inventory and works on its hosts over ssh: nothing is installed there but the database
/// server itself.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "\
Exit codes:
  0    done, nothing to do, healthy
  1    failed before any change
  2    the command line is wrong
  3    verify found something; or --check --detailed-exitcode and changes are pending
  4    a host was unreachable, and nothing worse
  5    failed or incomplete after changes began
  6    refused by a safety rule, or another hactl is at work
  130  interrupted")]
pub struct Args {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bring hosts to what the inventory says: packages, my.cnf, accounts, replicas, semi-sync, VIP
    ///
    /// Looks first, shows the plan and asks. Run again, it changes what differs and nothing else; a
    /// host added to the inventory is added to the cluster. No data is dropped without --reseed.
    Bootstrap(BootstrapArgs),
    /// Carry out a playbook of your own against the inventory
    ///
    /// Looks first, shows the plan and asks, as bootstrap does. The whole cluster is looked at, whatever
    /// part of it is acted on.
    Run(RunArgs),
    /// Check everything and change nothing; exits with 3 when something is wrong
    Verify(VerifyArgs),
    /// Show the cluster as a tree
    Status,
    /// Move the writer to another server, planned: nothing is lost, and what cannot be finished is undone
    ///
    /// Checks first that the new primary is fit and close behind. Then clients are cut off, the old
    /// primary stops taking writes, the new one applies the last of them, is promoted and gets the VIP;
    /// the old one becomes its replica. Whatever fails before the promotion is undone: the old primary
    /// takes writes again.
    Switchover(SwitchoverArgs),
    /// Give a cluster whose primary is dead a new one; with --watch stay and do so by itself
    ///
    /// A primary that is alive is never failed over: use switchover for that. The old primary is made
    /// harmless first, and what may be lost is said before anything is done, as a number where it is
    /// known.
    Failover(FailoverArgs),
    /// Bring a failed or diverged former primary back as a replica
    ///
    /// If it has nothing that the present primary lacks, it follows it. If it has, the transactions are
    /// shown and saved as SQL to a file; where the server can, a tail that no replica acknowledged is
    /// cut off. Otherwise its databases are only replaced with --reseed.
    Rejoin(RejoinArgs),
    /// Keep watchers from acting on the cluster, or on one host, while somebody works on it
    ///
    /// Written to every host that can be reached, so that every watcher sees it. It outlives reboots
    /// and lasts until it is turned off. Commands that a person runs are not held back, except
    /// `failover`.
    Maintenance(MaintenanceArgs),
    /// Print the JSON Schema of inventories or playbooks, for editors
    ///
    /// `hactl schema inventory >inventory.schema.json`, and
    /// `# yaml-language-server: $schema=inventory.schema.json` as the first line of the inventory.
    Schema {
        /// Of what
        #[arg(value_enum, value_name = "WHAT")]
        of: Language,
    },
    /// Print what a shell needs to complete this command line
    ///
    /// bash: `hactl completions bash >/etc/bash_completion.d/hactl`. zsh: into a file `_hactl` in a folder
    /// of `fpath`. fish: into `~/.config/fish/completions/hactl.fish`.
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder, or print the first of them
    ///
    /// `hactl man | man -l -` reads it; `hactl man /usr/local/share/man/man1` installs all of them.
    Man {
        /// A folder that is there already; without it, hactl(1) goes to standard output
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}

/// Options of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// The inventory: what you want, in YAML
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        env = "HACTL_INVENTORY",
        hide_env_values = true,
        default_value = "inventory.yml"
    )]
    pub inventory: PathBuf,
    /// What standard output holds
    #[arg(long, global = true, value_enum, default_value_t = OutputFormat::Human, value_name = "FORMAT")]
    pub output: OutputFormat,
    /// Trust and remember the keys of hosts that ssh does not know yet; a changed key is refused all the same
    #[arg(long, global = true)]
    pub accept_new_host_keys: bool,
    /// Ask for the password that sudo wants on the hosts, in place of `ssh.become_password`
    #[arg(short = 'K', long, global = true)]
    pub ask_become_pass: bool,
    /// Say more; twice for even more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
}

/// What is written for hactl by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// The inventory
    Inventory,
    /// A playbook: a list of plays
    Playbook,
    /// A file for `import_tasks`: a list of tasks
    Tasks,
}

/// Formats of standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For a person
    Human,
    /// One JSON document at the end
    Json,
    /// One JSON object per event
    Jsonl,
    /// For CI, of `verify` alone: XML with a test case for each check and host
    Junit,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Color {
    /// Makes it so for everything that is printed from now on.
    pub(super) fn apply(self) {
        match self {
            Self::Auto => {}
            Self::Always => anstream::ColorChoice::Always.write_global(),
            Self::Never => anstream::ColorChoice::Never.write_global(),
        }
    }
}

/// Options of `bootstrap`.
#[derive(Debug, clap::Args)]
pub struct BootstrapArgs {
    /// How it is shown and begun.
    #[command(flatten)]
    pub show: Show,
    /// Drop the databases of this host and load the primary's; may be given several times
    #[arg(long, value_name = "HOST")]
    pub reseed: Vec<HostName>,
    /// Which part of it is done.
    #[command(flatten)]
    pub part: PlaybookPart,
}

/// Options of `run`.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// A file, or the name of one that comes with hactl: rolling-restart, add-host, bootstrap
    #[arg(value_name = "PLAYBOOK")]
    pub playbook: PathBuf,
    /// How it is shown and begun.
    #[command(flatten)]
    pub show: Show,
    /// Drop the databases of this host where the playbook loads the primary's; may be given several times
    #[arg(long, value_name = "HOST")]
    pub reseed: Vec<HostName>,
    /// Which part of it is done.
    #[command(flatten)]
    pub part: PlaybookPart,
}

/// How a playbook is shown and begun.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub struct Show {
    /// Show the plan and stop; nothing is changed
    #[arg(long)]
    pub check: bool,
    /// Show in the plan what changes inside files
    #[arg(long)]
    pub diff: bool,
    /// Carry the plan out without asking
    #[arg(short, long)]
    pub yes: bool,
    /// With --check: exit with 3 when something would change
    #[arg(long, requires = "check")]
    pub detailed_exitcode: bool,
    /// List the tasks and stop; no host is asked
    #[arg(long, conflicts_with = "list_hosts")]
    pub list_tasks: bool,
    /// List the hosts of each play and stop; hosts are only asked where a play names roles
    #[arg(long)]
    pub list_hosts: bool,
}

/// Which part of a playbook is done, and with what.
#[derive(Debug, Default, clap::Args)]
pub struct PlaybookPart {
    /// Act on these hosts only: names, groups, `replicas`, `db*`, `a,b`, `!a`; all are looked at
    #[arg(long, value_name = "PATTERN")]
    pub limit: Option<String>,
    /// Only tasks with one of these tags
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    pub tags: Vec<String>,
    /// No tasks with one of these tags
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    pub skip_tags: Vec<String>,
    /// Begin at the task of this name
    #[arg(long, value_name = "TASK")]
    pub start_at: Option<String>,
    /// A variable as NAME=TEXT, several as {name: value} or as @FILE; hides all others of its name
    #[arg(short, long = "extra-vars", value_name = "VARS")]
    pub extra_vars: Vec<String>,
    /// Playbooks that replace or add to the built-in ones
    #[arg(long, value_name = "DIR")]
    pub playbooks: Option<PathBuf>,
    /// Templates that replace or add to the built-in ones
    #[arg(long, value_name = "DIR")]
    pub templates: Option<PathBuf>,
}

/// Options of every command that shows a plan and then acts.
#[derive(Debug, clap::Args)]
pub struct Carry {
    /// Show the plan and the reasons, and stop; nothing is changed
    #[arg(long)]
    pub check: bool,
    /// Carry the plan out without asking
    #[arg(short, long)]
    pub yes: bool,
}

/// Options of `switchover`.
#[derive(Debug, clap::Args)]
pub struct SwitchoverArgs {
    /// The new primary [default: the best of the replicas]
    #[arg(long, value_name = "HOST")]
    pub to: Option<HostName>,
    /// How long clients may wait for the old primary to stop, and for the new one to have everything;
    /// undone when that is not enough
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "10s")]
    pub max_wait: std::time::Duration,
    /// Whether it is carried out.
    #[command(flatten)]
    pub carry: Carry,
}

/// Options of `failover`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub struct FailoverArgs {
    /// Stay in the foreground, watch, and fail over when the primary dies; asks nothing
    #[arg(long, conflicts_with = "check")]
    pub watch: bool,
    /// With --watch: leave after the first failover
    #[arg(long, requires = "watch")]
    pub once: bool,
    /// Fail over although the last failover was a short time ago (`failover.min_interval`)
    #[arg(long)]
    pub ignore_last: bool,
    /// Promote although the old primary is not fenced and may still take writes, which are then lost
    #[arg(long)]
    pub allow_unfenced: bool,
    /// Let clients write although no replica acknowledges to the new primary
    #[arg(long)]
    pub allow_uncovered: bool,
    /// Promote although a replica that is not seen may hold rows that no other has
    #[arg(long)]
    pub allow_unseen_replica: bool,
    /// Whether it is carried out.
    #[command(flatten)]
    pub carry: Carry,
}

/// Options of `rejoin`.
#[derive(Debug, clap::Args)]
pub struct RejoinArgs {
    /// The host that comes back
    #[arg(value_name = "HOST")]
    pub host: HostName,
    /// Its databases may be dropped and replaced by the primary's, where nothing less helps
    #[arg(long)]
    pub reseed: bool,
    /// Whether it is carried out.
    #[command(flatten)]
    pub carry: Carry,
}

/// Options of `maintenance`.
#[derive(Debug, clap::Args)]
pub struct MaintenanceArgs {
    /// Whether it begins or ends
    #[arg(value_enum)]
    pub state: MaintenanceState,
    /// One host only [default: the whole cluster]
    #[arg(value_name = "HOST")]
    pub host: Option<HostName>,
    /// Why, for whoever asks later
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Whether maintenance begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MaintenanceState {
    /// It begins
    On,
    /// It ends
    Off,
}

/// Options of `verify`.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// Look again until all is well, for at most this long: 30s, 5m
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub wait: Option<std::time::Duration>,
    /// Show the plan by which `bootstrap` would repair what it can; nothing is changed
    #[arg(long)]
    pub fix: bool,
    /// The playbooks that bootstrap is run with
    #[arg(long, value_name = "DIR")]
    pub playbooks: Option<PathBuf>,
    /// The templates that bootstrap is run with: files are compared with what they render
    #[arg(long, value_name = "DIR")]
    pub templates: Option<PathBuf>,
}

/// `500ms`, `90s`, `5m`, `1h`.
fn duration(text: &str) -> Result<std::time::Duration, String> {
    const HELP: &str = "write a number and a unit: 500ms, 30s, 5m, 1h";
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| HELP.to_owned())?;
    let milliseconds = match &text[digits.len()..] {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(HELP.to_owned()),
    };
    Ok(std::time::Duration::from_millis(
        number.saturating_mul(milliseconds),
    ))
}
