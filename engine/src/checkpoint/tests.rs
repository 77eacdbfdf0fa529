//! Images: what was written comes back; what was changed, cut, lengthened or swapped is refused.
