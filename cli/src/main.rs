//! `spg`: the command line.

fn main() {}
