//! A database server, asked through a forwarded socket and by TCP.

use std::path::Path;
use std::time::{Duration, Instant};

use hactl::fleet::sql::{Row, Sql, SqlError};
use secrecy::SecretString;

use crate::server::Server;
use crate::sshd::Sshd;

const SOON: Duration = Duration::from_secs(10);

async fn root(socket: &Path) -> Sql {
    Sql::connect(socket, "root", None, SOON).await.unwrap()
}

fn one(rows: &[Row], column: &str) -> Option<String> {
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows[0][column].clone()
}

#[tokio::test]
async fn root_logs_in_through_a_forward_without_a_password() {
    let (sshd, server) = (Sshd::start(), Server::start());
    let link = sshd.link().await;
    let local = link.forward_socket(&server.socket()).await.unwrap();
    let mut sql = root(&local).await;
    let rows = sql.query(
        "SELECT CURRENT_USER() AS me, NULL AS nothing, @@port AS port",
        SOON,
    );
    let rows = rows.await.unwrap();
    assert_eq!(one(&rows, "me").as_deref(), Some("root@localhost"));
    assert_eq!(one(&rows, "nothing"), None);
    assert_eq!(one(&rows, "port"), Some(server.port().to_string()));
    sql.close(SOON).await;
}

#[tokio::test]
async fn a_forward_to_nothing_is_an_error_not_a_hang() {
    let sshd = Sshd::start();
    let link = sshd.link().await;
    let local = link
        .forward_socket(&sshd.path("absent.sock"))
        .await
        .unwrap();
    let start = Instant::now();
    let error = Sql::connect(&local, "root", None, SOON).await.unwrap_err();
    assert!(matches!(error, SqlError::Lost), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn several_statements_answer_each_in_its_place() {
    let server = Server::start();
    let mut sql = root(&server.socket()).await;
    let texts = [
        "SELECT 1 AS a UNION SELECT 2",
        "SET @x = 5",
        "SELECT 1 AS a WHERE 1 = 0",
        "SHOW SLAVE STATUS",
        "DO 0",
        "SELECT @x AS x, x'ff00' AS bytes",
    ];
    let all = sql.query_many(&texts, SOON).await.unwrap();
    assert_eq!(
        all.iter().map(Vec::len).collect::<Vec<_>>(),
        [2, 0, 0, 0, 0, 1]
    );
    assert_eq!(one(&all[5], "x").as_deref(), Some("5"));
    assert_eq!(one(&all[5], "bytes").as_deref(), Some("\u{fffd}\0"));
    // One that fails in the middle is the answer, and the session goes on in step.
    let error = sql
        .query_many(&["SELECT 1", "SELECT @@no_such", "SELECT 3"], SOON)
        .await;
    assert_eq!(error.unwrap_err().number(), Some(1193));
    assert_eq!(
        one(&sql.query("SELECT 7 AS a", SOON).await.unwrap(), "a").as_deref(),
        Some("7")
    );
    let error = sql
        .query_many(&["SELECT 1", "DO 0", "SIGNAL SQLSTATE '45000'"], SOON)
        .await;
    assert_eq!(error.unwrap_err().number(), Some(1644));
    assert_eq!(
        one(&sql.query("SELECT 8 AS a", SOON).await.unwrap(), "a").as_deref(),
        Some("8")
    );
}

#[tokio::test]
async fn after_a_timeout_no_answer_is_taken_for_another() {
    let server = Server::start();
    let mut sql = root(&server.socket()).await;
    let id = sql.connection_id();
    let start = Instant::now();
    let error = sql
        .query("SELECT SLEEP(5) AS late", Duration::from_millis(300))
        .await
        .unwrap_err();
    assert!(matches!(error, SqlError::Timeout { .. }), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(sql.query("SELECT 1", SOON).await, Err(SqlError::Lost));
    // The statement can be ended from another session by the id.
    let mut other = root(&server.socket()).await;
    assert_ne!(other.connection_id(), id);
    let killed = other.execute(&format!("KILL {id}"), SOON).await;
    assert!(killed.is_ok() || killed.unwrap_err().number() == Some(1094));
}

#[tokio::test]
async fn passwords_work_by_tcp_and_never_show() {
    let mut server = Server::start();
    let mut sql = root(&server.socket()).await;
    let password = SecretString::from("it's \\ a \"secret\"");
    let create = r#"CREATE USER m@'127.0.0.1' IDENTIFIED BY 'it\'s \\ a "secret"'"#;
    sql.execute(create, SOON).await.unwrap();
    let error = sql
        .execute(&format!("{create} PLEASE"), SOON)
        .await
        .unwrap_err();
    assert_eq!(error.number(), Some(1064));
    let error = sql
        .execute("CREATE USER n IDENTIFIED AS 'secret'", SOON)
        .await
        .unwrap_err();
    assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    let login = |password| Sql::connect_tcp("127.0.0.1", server.port(), "m", password, SOON);
    let mut tcp = login(Some(&password)).await.unwrap();
    assert!(!format!("{tcp:?}").contains("secret"));
    let rows = tcp
        .query("SELECT @@hostname AS h, CONNECTION_ID() AS id", SOON)
        .await
        .unwrap();
    assert_eq!(one(&rows, "id"), Some(tcp.connection_id().to_string()));
    let wrong = SecretString::from("wrong");
    let error = login(Some(&wrong)).await.unwrap_err();
    assert_eq!(
        (error.number(), error.server_answered()),
        (Some(1045), true)
    );
    // A server that goes away is lost to the session and refused to a new one.
    let port = server.port();
    server.kill();
    assert_eq!(tcp.query("SELECT 1", SOON).await, Err(SqlError::Lost));
    let gone = Sql::connect_tcp("127.0.0.1", port, "m", None, SOON).await;
    assert_eq!(gone.unwrap_err(), SqlError::Refused);
    assert_eq!(
        Sql::connect(&server.socket(), "root", None, SOON)
            .await
            .unwrap_err(),
        SqlError::Refused
    );
}

#[tokio::test]
async fn a_server_that_accepts_and_never_answers_is_bounded() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let start = Instant::now();
    let error = Sql::connect_tcp("127.0.0.1", port, "m", None, Duration::from_millis(400)).await;
    assert!(matches!(error, Err(SqlError::Timeout { .. })));
    assert!(start.elapsed() < Duration::from_secs(2));
}
