//! Scripts on a host: their input, output, end, and what is left of them.

use std::fs;
use std::time::Duration;

use hactl::fleet::script::Script;
use hactl::fleet::ssh::{Effect, Link, LinkFault, Output};
use secrecy::SecretString;

use crate::sshd::{Sshd, wait_until};

const SOON: Duration = Duration::from_secs(10);

async fn run(link: &Link, text: &str) -> Output {
    link.run(&Script::new(text), SOON).await.unwrap()
}

/// True when any process of this machine has `word` in its command line.
fn in_process_list(word: &str) -> bool {
    fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(word)
    })
}

#[tokio::test]
async fn commands_cannot_eat_the_rest_of_the_script() {
    let sshd = Sshd::start();
    let link = sshd.link().await;
    let output = run(
        &link,
        "cat\nread -r line\necho \"<$line>\"\nssh-keygen -? 2>/dev/null\necho end",
    )
    .await;
    assert_eq!((output.status, output.text().as_str()), (0, "<>\nend\n"));
}

#[tokio::test]
async fn every_exit_status_is_a_result() {
    let sshd = Sshd::start();
    let link = sshd.link().await;
    for status in [0, 1, 3, 124, 126, 127, 255] {
        let output = run(&link, &format!("echo out; echo err >&2; exit {status}")).await;
        assert_eq!((output.status, output.text().as_str()), (status, "out\n"));
        assert_eq!(output.stderr, "err\n");
    }
    let error = link
        .run(&Script::new("kill -9 $$"), SOON)
        .await
        .unwrap_err();
    // Told apart from a lost connection, which looks the same on the wire.
    assert_eq!(
        (error.fault(), error.effect()),
        (&LinkFault::Killed, Effect::Unknown)
    );
    assert_eq!(run_ok(&link).await, 0);
}

#[tokio::test]
async fn a_syntax_error_anywhere_runs_nothing() {
    let sshd = Sshd::start();
    let link = sshd.link().await;
    let mark = sshd.path("ran");
    let script = Script::default()
        .command(["touch", mark.to_str().unwrap()])
        .line("if then");
    let error = link.run(&script, SOON).await.unwrap_err();
    assert!(
        matches!(error.fault(), LinkFault::ShellRefused { status: 2 }),
        "{error:?}"
    );
    assert_eq!(error.effect(), Effect::None);
    assert!(error.said().unwrap().contains("Syntax error"), "{error}");
    assert!(!mark.exists());
}

#[tokio::test]
async fn the_surroundings_of_a_script_are_set() {
    let sshd = Sshd::start();
    let link = sshd.link().await;
    let output = run(&link, "umask; echo $LC_ALL; command -v sshd; id -u").await;
    assert_eq!(output.text(), "0077\nC\n/usr/sbin/sshd\n0\n");
}

#[tokio::test]
async fn large_scripts_and_large_outputs_pass() {
    let sshd = Sshd::start();
    let link = sshd.link().await;
    let big = "x".repeat(2_000_000);
    let script = Script::default()
        .set("big", &big)
        .line("printf %s \"$big\"");
    assert!(link.run(&script, SOON).await.unwrap().text() == big);
}

#[tokio::test]
async fn a_secret_is_in_no_process_list() {
    let sshd = Sshd::start();
    let link = sshd.link().await;
    let secret = SecretString::from("s3cr3t-of-the-wire");
    let script = Script::default()
        .set_secret("password", &secret)
        .line("sleep 1; printf %s \"$password\"");
    let (output, ()) = tokio::join!(link.run(&script, SOON), async {
        for _ in 0..20 {
            // Our own command line does not hold it, so any hit is a leak.
            assert!(!in_process_list("s3cr3t-of-the-wire"));
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    });
    assert_eq!(output.unwrap().text(), "s3cr3t-of-the-wire");
}

#[tokio::test]
async fn a_deadline_leaves_no_process_on_the_host() {
    let sshd = Sshd::start();
    let link = sshd.link().await;
    let unique = format!("3600.{}", sshd.port());
    let script = Script::new(format!("trap '' TERM; sleep {unique}; sleep {unique}"));
    let run = link.run(&script, Duration::from_secs(4));
    let (late, was_there) = tokio::join!(run, async {
        for _ in 0..35 {
            if in_process_list(&unique) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        false
    });
    assert!(was_there);
    let error = late.unwrap_err();
    assert!(
        matches!(error.fault(), LinkFault::TimedOut { .. }),
        "{error:?}"
    );
    assert_eq!(error.effect(), Effect::Unknown);
    wait_until("the script is gone", Duration::from_secs(9), || {
        !in_process_list(&unique)
    });
    assert_eq!(run_ok(&link).await, 0);
}

async fn run_ok(link: &Link) -> i32 {
    run(link, "exit 0").await.status
}

#[tokio::test]
async fn twenty_scripts_at_once_all_end_even_when_two_runs_share_the_master() {
    let sshd = Sshd::start();
    let (one, two) = (sshd.link().await, sshd.link().await);
    let script = |number: usize| Script::new(format!("sleep 0.2; echo {number}"));
    let scripts: Vec<Script> = (0..20).map(script).collect();
    let both = [&one, &two].map(|link| async {
        let mut texts = Vec::new();
        let mut running: Vec<_> = scripts
            .iter()
            .map(|script| Box::pin(link.run(script, SOON)))
            .collect();
        // Poll all of them, whichever is ready.
        std::future::poll_fn(|context| {
            running.retain_mut(|future| match future.as_mut().poll(context) {
                std::task::Poll::Ready(output) => {
                    texts.push(output.unwrap().text().trim().parse::<usize>().unwrap());
                    false
                }
                std::task::Poll::Pending => true,
            });
            if running.is_empty() {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
        texts.sort_unstable();
        texts
    });
    let [first, second] = both;
    let (first, second) = tokio::join!(first, second);
    let all: Vec<usize> = (0..20).collect();
    assert_eq!((&first, &second), (&all, &all));
    assert_eq!(sshd.connections().len(), 1);
}
