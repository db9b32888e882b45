//! The command `hactl`: parse, call, exit code.

fn main() -> std::process::ExitCode {
    hactl::cli::main()
}
