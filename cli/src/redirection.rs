//! The file that `\o` sends answers to. Whatever becomes of it, statements go on: what it does not take is told when
//! their answer has ended, and is not written anywhere.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::failure::Failure;
use crate::output_file::cannot_write;

/// Where answers are sent, as the console knows it.
pub(crate) struct Redirection {
    path: PathBuf,
    fault: Rc<RefCell<Option<io::Error>>>,
}

/// The same as answers are written to it.
struct Sink {
    /// None once it has failed.
    out: Option<BufWriter<File>>,
    fault: Rc<RefCell<Option<io::Error>>>,
}

impl Redirection {
    /// Opens a file; its beginning is where it was, and what was in it is gone.
    pub(crate) fn open(path: &Path) -> io::Result<(Self, Box<dyn Write>)> {
        let fault = Rc::default();
        let sink =
            Sink { out: Some(BufWriter::new(File::create(path)?)), fault: Rc::clone(&fault) };
        Ok((Self { path: path.to_owned(), fault }, Box::new(sink)))
    }

    /// Why it takes no more, if it does not.
    pub(crate) fn failure(&self) -> Option<Failure> {
        let fault = self.fault.take()?;
        let error = cannot_write(&self.path, &fault);
        Some(error.with_hint("Answers go to standard output again.").into())
    }
}

impl Sink {
    fn attempt<T>(
        &mut self,
        work: impl FnOnce(&mut BufWriter<File>) -> io::Result<T>,
        otherwise: T,
    ) -> T {
        let Some(out) = &mut self.out else { return otherwise };
        match work(out) {
            Ok(done) => done,
            Err(error) => {
                *self.fault.borrow_mut() = Some(error);
                // What it holds is given up with it, and not tried again.
                self.out.take().map(BufWriter::into_parts);
                otherwise
            }
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.attempt(|out| out.write(bytes), bytes.len()))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt(Write::flush, ());
        Ok(())
    }
}
