//! The room `inventory`; see the crate's map.
