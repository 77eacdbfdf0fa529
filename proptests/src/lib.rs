//! Shared parts of the model-based checks: the model database, the generators, PostgreSQL as the other opinion.

#[path = "../../engine/tests/golden/answer.rs"]
pub mod answer;
pub mod check;
pub mod crash;
pub mod fuzz;
pub mod generator;
pub mod isolation_spec;
pub mod model;
pub mod postgres;
#[path = "../../engine/tests/golden/script.rs"]
pub mod script;
pub mod serial;
pub mod side_by_side;
pub mod skip;
pub mod transcript;
