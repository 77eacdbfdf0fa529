//! Scripts that make the first contents of a database, run once: in the order of their names, all of them or nothing.
//!
//! They run in one transaction, so a script that fails leaves a database that is still empty, and the next start tries
//! again. A database that has ever committed anything is left alone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use spg_engine::parser::ast::Statement;
use spg_engine::parser::{parse, statements};
use spg_engine::session::{Canceller, Rows, Session};
use spg_engine::{Database, Error};

/// Ends the scripts from another thread.
#[derive(Debug, Default)]
pub(crate) struct Interrupted {
    is_given: AtomicBool,
    session: OnceLock<Canceller>,
}

impl Interrupted {
    /// Ends the statement that runs, and all that come after.
    pub(crate) fn give(&self) {
        self.is_given.store(true, Ordering::SeqCst);
        if let Some(session) = self.session.get() {
            session.terminate();
        }
    }

    /// Whether they are to end.
    pub(crate) fn is_given(&self) -> bool {
        self.is_given.load(Ordering::SeqCst)
    }

    /// From now on it ends `session`, if it was given before, too.
    fn watch(&self, session: &Session) {
        let canceller = self.session.get_or_init(|| session.canceller());
        if self.is_given() {
            canceller.terminate();
        }
    }
}

/// Runs the scripts of `directory` on a database without any commit, until `interrupted`. An error says which statement of which
/// script failed.
pub(crate) fn run(
    directory: &Path,
    database: &Arc<Database>,
    interrupted: &Interrupted,
) -> Result<(), String> {
    if database.published_commit().0 > 0 {
        let directory = directory.display();
        log::info!("init scripts of {directory} are skipped: the database is not new");
        return Ok(());
    }
    let scripts = scripts(directory).map_err(|error| {
        format!("could not read the init scripts of {}: {error}", directory.display())
    })?;
    if scripts.is_empty() {
        log::warn!("init scripts: there is no file called *.sql in {}", directory.display());
        return Ok(());
    }
    let mut session = database.session();
    session.set_actor("spg", "init scripts");
    interrupted.watch(&session);
    let result = run_all(&scripts, &mut session);
    result.map_err(|message| format!("{message}; of all init scripts nothing is kept"))
}

/// The files called `*.sql`, by name; what else is there is said to be skipped, but for hidden files, which a mounted
/// configuration has of its own.
fn scripts(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        let is_script = path.extension().is_some_and(|extension| extension == "sql");
        // Through links: a mounted configuration is often one.
        let is_file = || {
            let named = |error: io::Error| {
                io::Error::new(error.kind(), format!("{}: {error}", path.display()))
            };
            fs::metadata(&path).map(|metadata| metadata.is_file()).map_err(named)
        };
        if is_script && is_file()? {
            paths.push(path);
        } else {
            log::info!("init scripts: {} is skipped: it is no file called *.sql", path.display());
        }
    }
    paths.sort();
    Ok(paths)
}

fn run_all(scripts: &[PathBuf], session: &mut Session) -> Result<(), String> {
    let control = |session: &mut Session, text: &str| {
        session.execute(text, &[], &mut Rows::default()).map_err(|error| error.to_string())
    };
    control(session, "BEGIN")?;
    let mut counts = Vec::with_capacity(scripts.len());
    for script in scripts {
        counts.push((script, run_script(script, session)?));
    }
    control(session, "COMMIT")?;
    for (script, count) in counts {
        log::info!("init script {}: {count} statements", script.display());
    }
    Ok(())
}

/// Answers how many statements there were.
fn run_script(script: &Path, session: &mut Session) -> Result<usize, String> {
    let text = fs::read_to_string(script)
        .map_err(|error| format!("could not read init script {}: {error}", script.display()))?;
    // A byte order mark, which some editors write.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut count = 0;
    for statement in statements(text) {
        let failed = |error: &Error| {
            let line = line_of(text, statement, error);
            let detail = error.fields().detail.as_ref();
            let detail = detail.map(|detail| format!(" ({detail})")).unwrap_or_default();
            format!("init script {}, line {line}: {error}{detail}", script.display())
        };
        if let Ok(parsed) = parse(statement)
            && is_control(&parsed)
        {
            let place = statement.as_ptr() as usize - text.as_ptr() as usize;
            let line = 1 + text[..place].matches('\n').count();
            return Err(format!(
                "init script {}, line {line}: the scripts are one transaction: leave BEGIN, COMMIT and the like out",
                script.display()
            ));
        }
        session.execute(statement, &[], &mut Rows::default()).map_err(|error| failed(&error))?;
        count += 1;
    }
    Ok(count)
}

/// The line of the script that an error of one of its statements is about.
fn line_of(text: &str, statement: &str, error: &Error) -> usize {
    let start = statement.as_ptr() as usize - text.as_ptr() as usize;
    let position = error.fields().position.map_or(0, |position| position.0 as usize);
    let before: String = statement.chars().take(position.saturating_sub(1)).collect();
    1 + text[..start].matches('\n').count() + before.matches('\n').count()
}

fn is_control(statement: &Statement) -> bool {
    matches!(
        statement,
        Statement::Begin(_)
            | Statement::Commit
            | Statement::Rollback
            | Statement::CommitAndChain
            | Statement::RollbackAndChain
    )
}
