//! Hosts where root may not log in: hactl logs in as another user and becomes root by sudo.

use hactl_lab::{Server, Suite};

use crate::cluster::Cluster;

crate::on_each_server!(login_with_sudo);

fn login_with_sudo(suite: Suite) {
    let cluster = Cluster::up(suite, Server::Installed);
    let inventory = cluster.lab.inventory_yaml();
    let without = inventory.replace("user: root", "user: ops");
    assert_ne!(inventory, without);

    // Without sudo it can do nothing, and says what it needs.
    cluster.write_inventory(&without);
    cluster
        .hactl(&["bootstrap", "--yes"])
        .exits(1)
        .says("become: sudo");

    cluster.write_inventory(&without.replace("user: ops", "user: ops\n  become: sudo"));
    cluster.bootstrap();
    let before = cluster.positions();
    let again = cluster.bootstrap();
    assert!(again.to_string().contains("Nothing to do"), "{again}");
    assert_eq!(cluster.positions(), before);
}
