//! The room `yaml`; see the crate's map.
