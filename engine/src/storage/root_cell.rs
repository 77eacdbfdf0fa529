//! root_cell
