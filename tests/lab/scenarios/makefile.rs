//! The Makefile must install what the lab needs: neither less nor something else.

#[test]
fn it_installs_what_the_lab_needs() {
    let makefile = include_str!("../../../Makefile");
    let line = makefile
        .lines()
        .find_map(|line| line.strip_prefix("LAB_PACKAGES = "))
        .expect("a line LAB_PACKAGES = …");
    assert_eq!(line.split(' ').collect::<Vec<_>>(), hactl_lab::PACKAGES);
}
