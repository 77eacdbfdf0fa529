//! The shell's own commands, as `\?`, `spg shell --help` and the manual tell them.

/// A line for each command, or for a few that are alike; they fit 80 columns.
pub(crate) const HELP: &str = r"
\d [NAME]                      describe a table, an index or the like, or list
\dt, \di, \ds, \dv [NAME]      list tables, indexes, sequences, system views;
                               * and ? in NAME stand for any text, any letter
\x [on|off|auto]               a line for each value; auto: where rows are wide
\pset null TEXT                show TEXT where a value is NULL
\pset pager [on|off]           show long answers in a pager, or do not
\timing [on|off]               tell the time of each statement, or stop it
\g, \gx                        run the statement begun, or the last again;
                               \gx with a line for each value
\watch [SECONDS]               the same every 2 seconds, until Ctrl-C or error
\e [FILE]                      edit the statement, or a file; run what changed
\p                             print the statement begun, or the last
\r                             forget the statement that has begun
\i FILE                        run a script
\o [FILE]                      send answers to a file, or to the output again
\import TABLE FILE [--create]  load a CSV file, plain or gzipped, into a table
\export TABLE FILE             write a table as CSV, gzipped if FILE is *.gz
\conninfo                      tell where statements run, and what cancels them
\q                             leave
\?                             this help
";

#[cfg(test)]
mod tests {
    use super::HELP;

    #[test]
    fn it_fits_a_terminal() {
        for line in HELP.lines() {
            assert!(line.len() <= 80, "{line}");
        }
    }
}
