//! Logs in from a host to servers that lead or may lead by the replication account, with the server's own
//! client program: the only way to know that replication could connect. What could not be tried is no
//! refusal.

use std::time::Duration;

use super::answers::fields;
use crate::facts::LoginCheck;
use crate::fleet::Connection;
use crate::fleet::script::{Script, quote_sh};
use crate::inventory::{Cluster, Host};
use crate::mysql::Dialect;

/// How long the logins may take side by side, name resolution and TLS included.
const DEADLINE: Duration = Duration::from_secs(10);

/// The password reaches the client through a pipe as an option file: never in argv, never on disk.
/// Inside double quotes an option file knows backslash escapes, so both are escaped.
///
/// A list of the account's own threads is the least that cannot succeed without a login: `ping` ends well
/// for a server that refuses, and `status` for a password that has expired. What the server said stands in
/// a line `error: '…'`, maybe followed by advice about this machine's own server.
const LOGIN: &str = r#"
command -v "$client" >/dev/null || exit 1
escaped=$(printf '%s' "$password" | sed 's/\\/\\\\/g; s/"/\\"/g')
login() {
    said=$(printf '[client]\npassword="%s"\n%s\n' "$escaped" "$protection" |
        "$client" --defaults-file=/dev/stdin --protocol=tcp --connect-timeout=5 \
            --host="$2" --port="$3" --user="$user" processlist 2>&1) &&
        { printf 'login\t%s|\n' "$1"; return; }
    why=$(printf '%s\n' "$said" | sed -n "s/^.*error: '\(.*\)'.*\$/\1/p" | tail -n 1)
    why=${why:-$(printf '%s\n' "$said" | tail -n 1)}
    printf 'login\t%s|%s\n' "$1" "${why:-no answer in time}"
}
"#;

/// `SSL_CERT_FILE`: `SSL_CTX_set_default_verify_paths(3)`.
const NO_AUTHORITIES: &str = "SSL_CERT_FILE=/dev/null; export SSL_CERT_FILE";

/// Tries the logins from one host to the servers of others, all at once, protected as replication would be.
pub async fn check_logins(
    connection: &Connection,
    dialect: Dialect,
    cluster: &Cluster,
    servers: &[Host],
) -> Vec<LoginCheck> {
    let account = &cluster.accounts.replication;
    let protection = dialect.client_tls_options(&cluster.replication_tls);
    let mut script = Script::new("")
        .set("protection", &protection.join("\n"))
        .set("client", dialect.admin_client())
        .set("user", &account.user)
        .set_secret("password", &account.password)
        .line(LOGIN);
    if !dialect.client_asks_authorities(&cluster.replication_tls) {
        script = script.line(NO_AUTHORITIES);
    }
    for (number, server) in servers.iter().enumerate() {
        let (address, port) = (quote_sh(&server.address.to_string()), server.port);
        script = script.line(format!("login {number} {address} {port} &"));
    }
    let Ok(output) = connection.link.run(&script.line("wait"), DEADLINE).await else {
        return Vec::new();
    };
    let answers = fields(&output.text());
    let read = |line: &String| {
        let (number, refused) = line.split_once('|')?;
        let server = servers.get(number.parse::<usize>().ok()?)?;
        Some(LoginCheck {
            to: server.name.clone(),
            refused: (!refused.is_empty()).then(|| refused.trim().to_owned()),
        })
    };
    answers
        .get("login")
        .into_iter()
        .flatten()
        .filter_map(read)
        .collect()
}
