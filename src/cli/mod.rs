//! What a person types and sees: one file per command, tables, progress, prompts, exit codes.
//!
//! Data goes to standard output; plans, progress and errors to standard error. No flag of here is
//! known below: `--check` is "do not execute".

mod args;
mod bootstrap;
mod completions;
mod error;
mod exit;
mod failover;
mod files;
mod findings;
mod fix;
mod interrupt;
mod listing;
mod maintenance;
mod man;
mod notices;
mod picked;
mod plan_view;
mod play;
mod procedure;
mod prompt;
mod rejoin;
mod run;
mod saved_log;
mod schema;
mod screen;
mod session;
mod status;
mod switchover;
mod table;
mod tree;
mod verify;
mod verify_junit;

pub use args::{Args, Color, Command, Global, OutputFormat};
pub use error::CliError;
pub use exit::Exit;

use clap::Parser as _;

/// Parses the command line, runs the command, says what went wrong, and gives the exit code.
pub fn main() -> std::process::ExitCode {
    let args = Args::parse();
    args.global.color.apply();
    session::start_log(args.global.verbose);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(source) => {
            return report(&CliError::Local {
                what: "start the runtime",
                source,
            });
        }
    };
    let command = async {
        tokio::select! {
            result = run(&args) => result,
            () = interrupt::requested() => Ok(Exit::Interrupted),
        }
    };
    let result = runtime.block_on(command);
    // A remote command that still runs must not hold this process back.
    runtime.shutdown_background();
    match result {
        Ok(Exit::Interrupted) => {
            anstream::eprintln!(
                "\ninterrupted; run the command again, it looks first and goes on from there"
            );
            Exit::Interrupted.into()
        }
        Ok(exit) => exit.into(),
        Err(error) => report(&error),
    }
}

async fn run(args: &Args) -> Result<Exit, CliError> {
    let is_verify = matches!(args.command, Command::Verify(_));
    if args.global.output == OutputFormat::Junit && !is_verify {
        return Err(CliError::NotThere {
            message: "only `verify` has something to say as JUnit XML".to_owned(),
            hint: "ask for --output json or jsonl".to_owned(),
        });
    }
    match &args.command {
        Command::Bootstrap(own) => bootstrap::run(&args.global, own).await,
        Command::Run(own) => run::run(&args.global, own).await,
        Command::Verify(own) => verify::run(&args.global, own).await,
        Command::Status => status::run(&args.global).await,
        Command::Switchover(own) => switchover::run(&args.global, own).await,
        Command::Failover(own) => failover::run(&args.global, own).await,
        Command::Rejoin(own) => rejoin::run(&args.global, own).await,
        Command::Maintenance(own) => maintenance::run(&args.global, own).await,
        Command::Schema { of } => schema::run(*of),
        Command::Completions { shell } => Ok(completions::run(*shell)),
        Command::Man { folder } => man::run(folder.as_deref()),
    }
}

fn report(error: &CliError) -> std::process::ExitCode {
    match error {
        // A caret points at a column.
        CliError::Inventory(_) | CliError::Playbook(_) => anstream::eprintln!("{}", error.render()),
        _ => screen::say(&error.render()),
    }
    error.exit().into()
}
