//! A crash at every operation of the disk, a failure of every operation.

use super::*;
