//! Streams and forwarded sockets through a real connection.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use hactl::fleet::script::Script;
use hactl::fleet::stream::{CopyError, FanOut, Sink};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::sshd::Sshd;

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_dump_reaches_all_replicas_but_the_one_that_fails() {
    let sshd = Sshd::start();
    let link = sshd.link().await;
    let dump = Script::new("seq 1 2000000; echo '-- Dump completed'; echo warning >&2");
    let mut source = link.spawn_reader(&dump, SOON).await.unwrap();
    let secret = SecretString::from("pass'word");
    let mut sinks = Vec::new();
    for (label, tail) in [
        ("db2", "cat >\"$file\"; printf %s \"$password\""),
        (
            "db3",
            "head -c 100000 >\"$file\"; echo 'ERROR 1050: no' >&2; exit 1",
        ),
        ("db4", "cat >\"$file\"; printf %s \"$password\""),
    ] {
        let script = Script::default()
            .set("file", sshd.path(label).to_str().unwrap())
            .set_secret("password", &secret)
            .line(tail);
        let writer = link.spawn_writer(&script, SOON).await.unwrap();
        sinks.push(Sink {
            label: label.to_owned(),
            writer,
        });
    }
    let options = FanOut {
        head: 10,
        ..FanOut::default()
    };
    let copied = options.copy(&mut source, sinks, |_| ()).await;
    assert!(copied.source.is_ok());
    assert_eq!(copied.head, b"1\n2\n3\n4\n5\n");
    assert!(copied.tail.ends_with(b"2000000\n-- Dump completed\n"));
    let end = source.finish(SOON).await.unwrap();
    assert_eq!((end.status, end.stderr.as_str()), (0, "warning\n"));
    let mut ends = Vec::new();
    for delivery in copied.sinks {
        let end = delivery.writer.unwrap().finish(SOON).await.unwrap();
        ends.push((delivery.label, delivery.result, end));
    }
    let whole = fs::read(sshd.path("db2")).unwrap();
    assert_eq!(whole.len() as u64, copied.bytes);
    assert!(whole.ends_with(&copied.tail));
    assert!(fs::read(sshd.path("db4")).unwrap() == whole);
    assert_eq!(fs::read(sshd.path("db3")).unwrap(), &whole[..100_000]);
    assert_eq!(*ends[0].1.as_ref().unwrap(), copied.bytes);
    assert_eq!(
        (ends[0].2.status, ends[0].2.stdout.as_str()),
        (0, "pass'word")
    );
    assert!(
        matches!(ends[1].1, Err(CopyError::Io(_))),
        "{:?}",
        ends[1].1
    );
    assert_eq!(
        (ends[1].2.status, ends[1].2.stderr.as_str()),
        (1, "ERROR 1050: no\n")
    );
    assert_eq!(ends[2].2.status, 0);
}

#[tokio::test]
async fn a_source_that_dies_in_the_middle_has_a_status_that_says_so() {
    let sshd = Sshd::start();
    let link = sshd.link().await;
    let mut source = link
        .spawn_reader(&Script::new("echo half; exit 2"), SOON)
        .await
        .unwrap();
    let mut text = String::new();
    source.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "half\n");
    assert_eq!(source.finish(SOON).await.unwrap().status, 2);
}

#[tokio::test]
async fn a_remote_socket_is_reachable_here_by_us_only_and_goes_with_the_link() {
    let sshd = Sshd::start();
    let remote = sshd.path("server.sock");
    let listener = UnixListener::bind(&remote).unwrap();
    tokio::spawn(async move {
        while let Ok((mut peer, _)) = listener.accept().await {
            let uid = peer.peer_cred().unwrap().uid();
            peer.write_all(format!("hello {uid}").as_bytes())
                .await
                .unwrap();
        }
    });
    let link = sshd.link().await;
    let local = link.forward_socket(&remote).await.unwrap();
    assert_eq!(link.forward_socket(&remote).await.unwrap(), local);
    let mut text = String::new();
    let mut stream = UnixStream::connect(&local).await.unwrap();
    stream.read_to_string(&mut text).await.unwrap();
    // The server sees the login user: the ground for logging in as root by socket.
    assert_eq!(text, format!("hello {}", link.whoami().login_uid));
    assert_eq!(
        fs::metadata(&local).unwrap().permissions().mode() & 0o077,
        0
    );
    link.close().await;
    assert!(!local.exists());
    let link = sshd.link().await;
    let local = link.forward_socket(&remote).await.unwrap();
    assert!(local.exists());
    drop(link);
    assert!(!local.exists());
}
