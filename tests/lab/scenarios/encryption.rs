//! Replication that must be encrypted: what would break it is found before it is changed, and a change of
//! leadership keeps it.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use hactl_lab::Suite;

use crate::cluster::Cluster;

crate::scenarios! { core: ; mariadb: ; matrix: stays_encrypted_as_wanted }

const HOSTS: [&str; 3] = ["db1", "db2", "db3"];
const WANTED: &str = "replication: {tls: verified, ca: /etc/mysql/tls/ca.pem}";

fn stays_encrypted_as_wanted(suite: Suite) {
    let cluster = Cluster::bootstrapped(suite);
    a_source_without_a_certificate_is_left_alone(&cluster);
    hand_out_certificates(&cluster);
    let settings = [
        "ssl_ca: /etc/mysql/tls/ca.pem",
        "ssl_cert: /etc/mysql/tls/cert.pem",
        "ssl_key: /etc/mysql/tls/key.pem",
    ];
    write(&cluster, &settings.join(", "));
    cluster.bootstrap();
    are_verified(&cluster, &["db2", "db3"]);
    cluster
        .hactl(&["bootstrap", "--check", "--detailed-exitcode"])
        .exits(0);
    cluster
        .hactl(&["switchover", "--to", "db2", "--yes"])
        .exits(0);
    cluster.hactl(&["verify"]).exits(0);
    are_verified(&cluster, &["db1", "db3"]);
}

/// Every server has one, of an authority of its own; none is of the one that is wanted.
fn a_source_without_a_certificate_is_left_alone(cluster: &Cluster) {
    write(cluster, "");
    cluster
        .hactl(&["bootstrap", "--yes"])
        .exits(5)
        .says("replication was not changed");
    cluster.write_inventory(&cluster.lab.inventory_yaml());
    cluster.hactl(&["verify"]).exits(0);
}

fn write(cluster: &Cluster, settings: &str) {
    let flavor = cluster.lab.suite().flavor().word();
    let plain = format!("server: {{flavor: {flavor}}}");
    let given = format!("{WANTED}\nserver: {{flavor: {flavor}, settings: {{{settings}}}}}");
    cluster.write_inventory(&cluster.lab.inventory_yaml().replace(&plain, &given));
}

#[track_caller]
fn are_verified(cluster: &Cluster, replicas: &[&str]) {
    let client = cluster.lab.suite().flavor().client();
    for replica in replicas {
        let ask = format!(
            "{client} -E -e 'SHOW REPLICA STATUS' | grep -E 'SSL_(Allowed|Verify|CA_File)|IO_Running:'"
        );
        let said = cluster.host(replica).exec_ok(&ask).unwrap();
        assert_eq!(said.matches(": Yes").count(), 3, "{replica}: {said}");
        assert!(said.contains("/etc/mysql/tls/ca.pem"), "{replica}: {said}");
    }
}

/// An authority, and for each host a certificate for its address.
fn hand_out_certificates(cluster: &Cluster) {
    let folder = tempfile::tempdir().unwrap();
    let openssl = |arguments: &str| {
        let done = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(done.status.success(), "{arguments}: {done:?}");
    };
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem",
    );
    for name in HOSTS {
        let host = cluster.host(name);
        let extension = format!("subjectAltName=IP:{}\n", host.address());
        fs::write(folder.path().join("ext"), extension).unwrap();
        openssl(&format!(
            "req -newkey rsa:2048 -nodes -subj /CN={name} -keyout key.pem -out csr"
        ));
        openssl(
            "x509 -req -in csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out cert.pem",
        );
        let mut script = "set -e; mkdir -p /etc/mysql/tls; cd /etc/mysql/tls\n".to_owned();
        for file in ["ca.pem", "cert.pem", "key.pem"] {
            let text = fs::read_to_string(folder.path().join(file)).unwrap();
            let _ = write!(script, "cat >{file} <<'END'\n{text}END\n");
        }
        script.push_str("chown -R mysql: . && chmod 600 key.pem");
        host.exec_ok(&script).unwrap();
    }
}
