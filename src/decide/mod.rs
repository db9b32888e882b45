//! The room `decide`; see the crate's map.
