//! The room `cli`; see the crate's map.
