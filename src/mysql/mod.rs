//! The room `mysql`; see the crate's map.
