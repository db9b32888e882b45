//! The room `observe`; see the crate's map.
