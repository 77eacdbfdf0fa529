//! What someone with access to the files may do, and what finds it.

use super::*;
