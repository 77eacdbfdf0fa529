//! Shared parts of the model-based checks: the model database and the generators.
