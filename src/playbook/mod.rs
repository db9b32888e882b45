//! The room `playbook`; see the crate's map.
