//! A statement prepared for repeated execution.

use crate::DataType;
use crate::binder::bound::OutputColumn;

/// A statement prepared by [`super::Session::prepare`].
#[derive(Debug)]
pub struct Prepared {
    parameters: Vec<DataType>,
    columns: Vec<OutputColumn>,
}

impl Prepared {
    /// Types of $1, $2, ... at the time of preparing.
    pub fn parameters(&self) -> &[DataType] {
        &self.parameters
    }

    /// Names and types of the rows it answers; empty when it answers none.
    pub fn columns(&self) -> &[OutputColumn] {
        &self.columns
    }
}
