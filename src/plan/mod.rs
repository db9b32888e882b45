//! The room `plan`; see the crate's map.
