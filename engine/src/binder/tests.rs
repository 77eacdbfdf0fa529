//! Binding whole statements, against what PostgreSQL 15 answers.
