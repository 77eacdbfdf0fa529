//! Evaluating over a batch equals evaluating each of its rows with the values put in.
