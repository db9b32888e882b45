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
    /// Check everything and change nothing; exits with 3 when something is wrong
    Verify(VerifyArgs),
    /// Show the cluster as a tree
    Status,
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
    /// Say more; twice for even more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
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
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub struct BootstrapArgs {
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
    /// Drop the databases of this host and load the primary's; may be given several times
    #[arg(long, value_name = "HOST")]
    pub reseed: Vec<HostName>,
    /// Playbooks that replace or add to the built-in ones
    #[arg(long, value_name = "DIR")]
    pub playbooks: Option<PathBuf>,
    /// Templates that replace or add to the built-in ones
    #[arg(long, value_name = "DIR")]
    pub templates: Option<PathBuf>,
}

/// Options of `verify`.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// Look again until all is well, for at most this long: 30s, 5m
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub wait: Option<std::time::Duration>,
}

/// `90s`, `5m`, `1h`.
fn duration(text: &str) -> Result<std::time::Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u64 = digits
        .parse()
        .map_err(|_| "write a number and a unit: 30s, 5m, 1h".to_owned())?;
    match &text[digits.len()..] {
        "s" => Ok(std::time::Duration::from_secs(number)),
        "m" => Ok(std::time::Duration::from_secs(number.saturating_mul(60))),
        "h" => Ok(std::time::Duration::from_secs(number.saturating_mul(3600))),
        _ => Err("write a number and a unit: 30s, 5m, 1h".to_owned()),
    }
}
