//! Aligned columns for people, as psql shows them. Rows wait in a spool until all widths are known.

use std::io::{self, BufReader, Read, Write};

use spg_engine::binder::bound::OutputColumn;
use spg_engine::session::{Notice, RowSink};
use spg_engine::storage::batch::Batch;
use spg_engine::types::format_value;
use spg_engine::{Result, ValueRef};
use spg_wire::ErrorFields;
use unicode_width::UnicodeWidthStr;

use crate::display::{Caption, Display, Expansion, terminal_size};
use crate::error_display;
use crate::format::Format;
use crate::format::spool::Spool;
use crate::messages;
use crate::printable::printable;

/// Tables on the output; errors go to standard error.
pub(super) struct TableFormat {
    out: Box<dyn Write>,
    table: Option<Table>,
    display: Display,
    caption: Option<Caption>,
}

/// What stands for the length of a NULL; no text is as long.
const NULL_LENGTH: u32 = u32::MAX;

const DIM: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";

/// The rows of one statement.
struct Table {
    columns: Vec<TableColumn>,
    rows: u64,
    /// Cells by row: length in bytes as little-endian u32, then the text; a NULL is its length alone.
    cells: Spool,
    display: Display,
    caption: Option<Caption>,
}

/// A value as text, or NULL.
type Cell = Option<String>;

struct TableColumn {
    name: String,
    right_aligned: bool,
    width: usize,
}

impl TableFormat {
    pub(super) fn new(out: Box<dyn Write>) -> Self {
        Self { out, table: None, display: Display::default(), caption: None }
    }
}

impl RowSink for TableFormat {
    fn columns(&mut self, columns: &[OutputColumn]) -> Result<()> {
        let columns = columns
            .iter()
            .map(|column| {
                let name = printable(&column.name);
                let width = cell_width(&name);
                TableColumn { name, right_aligned: column.data_type.is_numeric(), width }
            })
            .collect();
        self.table = Some(Table {
            columns,
            rows: 0,
            cells: Spool::default(),
            display: self.display.clone(),
            caption: self.caption.take(),
        });
        Ok(())
    }

    fn batch(&mut self, batch: &Batch<'_>) -> Result<()> {
        self.table.as_mut().map_or(Ok(()), |table| table.add(batch))
    }

    fn notice(&mut self, notice: &Notice) {
        messages::notice(notice);
    }
}

impl Format for TableFormat {
    fn complete(&mut self, tag: &str) -> io::Result<()> {
        // As in psql: of statements with rows, only those that changed something show their tag too.
        let changes = ["INSERT", "UPDATE", "DELETE"].iter().any(|verb| tag.starts_with(verb));
        match self.table.take() {
            Some(table) => {
                table.write(&mut self.out)?;
                if changes {
                    writeln!(self.out, "{tag}")?;
                }
            }
            None => writeln!(self.out, "{tag}")?,
        }
        self.out.flush()
    }

    fn fail(&mut self, error: &ErrorFields, statement: &str) -> io::Result<()> {
        (self.table, self.caption) = (None, None);
        self.out.flush()?;
        messages::text(&error_display::render(error, statement));
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn display(&mut self) -> Option<&mut Display> {
        Some(&mut self.display)
    }

    fn set_caption(&mut self, caption: Caption) {
        let footer = caption.footer.iter().map(|line| printable(line)).collect();
        self.caption = Some(Caption { title: printable(&caption.title), footer });
    }

    fn head(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{line}")
    }

    fn redirect(&mut self, out: Box<dyn Write>) -> bool {
        self.out = out;
        true
    }

    fn is_for_people(&self) -> bool {
        true
    }
}

impl Table {
    fn add(&mut self, batch: &Batch<'_>) -> Result<()> {
        let mut text = String::new();
        for place in 0..batch.len() {
            for (index, column) in self.columns.iter_mut().enumerate() {
                text.clear();
                let value = batch.value(index, place);
                if value.is_null() {
                    column.width = column.width.max(cell_width(&self.display.null));
                    self.cells.end().extend_from_slice(&NULL_LENGTH.to_le_bytes());
                    continue;
                }
                format_value(value, &mut text);
                if matches!(value, ValueRef::Text(_)) {
                    text = printable(&text);
                }
                column.width = column.width.max(cell_width(&text));
                self.cells.end().extend_from_slice(&(text.len() as u32).to_le_bytes());
                self.cells.end().extend_from_slice(text.as_bytes());
            }
            self.cells.settle()?;
        }
        self.rows += batch.len() as u64;
        Ok(())
    }

    fn is_expanded(&self) -> bool {
        match self.display.expansion {
            Expansion::Off => false,
            Expansion::On => true,
            Expansion::Auto => {
                // What stands between columns is not at the end.
                let width = self.columns.iter().map(|column| column.width + 3).sum::<usize>();
                terminal_size().is_some_and(|(_, columns)| width.saturating_sub(1) > columns)
            }
        }
    }

    fn write(mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.is_expanded() {
            return self.write_expanded(out);
        }
        if let Some(caption) = &self.caption {
            let widths: usize = self.columns.iter().map(|column| column.width + 3).sum();
            let spare = widths.saturating_sub(1 + cell_width(&caption.title)) / 2;
            writeln!(out, "{}{}", " ".repeat(spare), caption.title)?;
        }
        self.write_header(out)?;
        let mut cells = BufReader::new(self.cells.read()?);
        let mut row = Vec::with_capacity(self.columns.len());
        for _ in 0..self.rows {
            row.clear();
            for _ in &self.columns {
                row.push(read_cell(&mut cells)?);
            }
            write_row(&self.columns, &row, &self.display, out)?;
        }
        write_footer(self.rows, self.caption.as_ref(), out)
    }

    /// A line for each value, as psql has it.
    fn write_expanded(mut self, out: &mut dyn Write) -> io::Result<()> {
        if let Some(caption) = &self.caption {
            writeln!(out, "{}", caption.title)?;
        }
        let names = self.columns.iter().map(|column| cell_width(&column.name)).max().unwrap_or(0);
        let widest = self.columns.iter().map(|column| column.width).max().unwrap_or(0);
        let mut cells = BufReader::new(self.cells.read()?);
        for number in 1..=self.rows {
            let title = format!("-[ RECORD {number} ]");
            let left = "-".repeat((names + 1).saturating_sub(title.len()));
            let right_start = title.len().saturating_sub(names + 2);
            let right = "-".repeat((widest + 1).saturating_sub(right_start));
            let cross = if left.is_empty() { "" } else { "+" };
            writeln!(out, "{title}{left}{cross}{right}")?;
            for column in &self.columns {
                let cell = read_cell(&mut cells)?;
                let value = match &cell {
                    Some(text) => text.clone(),
                    None => null_text(&self.display),
                };
                for (place, line) in value.split('\n').enumerate() {
                    let name = if place == 0 { &*column.name } else { "" };
                    let spare = " ".repeat(names - cell_width(name));
                    writeln!(out, "{name}{spare} | {line}")?;
                }
            }
        }
        if self.rows == 0 || self.caption.is_some() {
            return write_footer(self.rows, self.caption.as_ref(), out);
        }
        writeln!(out)
    }

    fn write_header(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.columns.is_empty() {
            return out.write_all(b"--\n");
        }
        let names = self.columns.iter().map(|column| {
            let spare = column.width - cell_width(&column.name);
            // A width in a format string is at most 65,535, which values are not.
            let (left, right) = (" ".repeat(spare / 2), " ".repeat(spare - spare / 2));
            format!(" {left}{}{right} ", column.name)
        });
        writeln!(out, "{}", names.collect::<Vec<_>>().join("|"))?;
        let rules = self.columns.iter().map(|column| "-".repeat(column.width + 2));
        writeln!(out, "{}", rules.collect::<Vec<_>>().join("+"))
    }
}

/// How many rows there were, or what a caption has in place of that.
fn write_footer(rows: u64, caption: Option<&Caption>, out: &mut dyn Write) -> io::Result<()> {
    if let Some(caption) = caption {
        for line in &caption.footer {
            writeln!(out, "{line}")?;
        }
        return writeln!(out);
    }
    let noun = if rows == 1 { "row" } else { "rows" };
    write!(out, "({rows} {noun})\n\n")
}

/// What is shown for NULL.
fn null_text(display: &Display) -> String {
    if display.dims_null { format!("{DIM}{}{RESET}", display.null) } else { display.null.clone() }
}

fn read_cell(cells: &mut impl Read) -> io::Result<Cell> {
    let mut length = [0; 4];
    cells.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length == NULL_LENGTH {
        return Ok(None);
    }
    let mut text = vec![0; length as usize];
    cells.read_exact(&mut text)?;
    let text = String::from_utf8(text);
    text.map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Writes a row in as many lines as its tallest cell has; `+` marks a cell that goes on in the next line.
fn write_row(
    columns: &[TableColumn],
    row: &[Cell],
    display: &Display,
    out: &mut dyn Write,
) -> io::Result<()> {
    let text = |cell: &'_ Cell| cell.clone().unwrap_or_else(|| display.null.clone());
    let texts: Vec<String> = row.iter().map(text).collect();
    let cells: Vec<Vec<&str>> = texts.iter().map(|cell| cell.split('\n').collect()).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    for place in 0..height {
        let mut line = String::new();
        for (index, (column, cell)) in columns.iter().zip(&cells).enumerate() {
            let text = cell.get(place).copied().unwrap_or_default();
            let goes_on = place + 1 < cell.len();
            let is_last = index + 1 == columns.len();
            let spare = column.width - text.width();
            line.push(' ');
            if column.right_aligned {
                line.push_str(&" ".repeat(spare));
            }
            // Colours take no room, so they come when the room has been reckoned.
            let is_dim = display.dims_null && row[index].is_none();
            line.push_str(if is_dim { DIM } else { "" });
            line.push_str(text);
            line.push_str(if is_dim { RESET } else { "" });
            // Nothing follows the last column, so it is not padded.
            if !column.right_aligned && (goes_on || !is_last) {
                line.push_str(&" ".repeat(spare));
            }
            if goes_on {
                line.push('+');
            } else if !is_last {
                line.push(' ');
            }
            if !is_last {
                line.push('|');
            }
        }
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Columns of the widest line.
fn cell_width(text: &str) -> usize {
    text.split('\n').map(UnicodeWidthStr::width).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(columns: &[(&str, bool)], rows: &[&[&str]]) -> String {
        let columns: Vec<TableColumn> = columns
            .iter()
            .map(|&(name, right_aligned)| TableColumn {
                name: name.to_owned(),
                right_aligned,
                width: cell_width(name),
            })
            .collect();
        let mut table = Table {
            columns,
            rows: rows.len() as u64,
            cells: Spool::default(),
            display: Display::default(),
            caption: None,
        };
        for row in rows {
            for (column, cell) in table.columns.iter_mut().zip(*row) {
                let text = printable(cell);
                column.width = column.width.max(cell_width(&text));
                table.cells.end().extend_from_slice(&(text.len() as u32).to_le_bytes());
                table.cells.end().extend_from_slice(text.as_bytes());
            }
        }
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// The expected texts are psql 15's own.
    #[test]
    fn lays_out_as_psql() {
        let shown =
            render(&[("id", true), ("name", false), ("score", true)], &[&["1", "alice", "2.5"]]);
        let expected = [
            " id | name  | score ",
            "----+-------+-------",
            "  1 | alice |   2.5",
            "(1 row)",
            "",
            "",
        ];
        assert_eq!(shown, expected.join("\n"));

        let columns = [("id", true), ("name", false), ("x", true), ("last", false)];
        let shown = render(&columns, &[&["1", "a\nbb", "3", "q\tr\u{1}\u{85}é漢"]]);
        let expected = [
            " id | name | x |          last          ",
            "----+------+---+------------------------",
            "  1 | a   +| 3 | q       r\\x01\\u0085é漢",
            "    | bb   |   | ",
            "(1 row)",
            "",
            "",
        ];
        assert_eq!(shown, expected.join("\n"));

        let columns = [("id", true), ("x", false), ("last", false)];
        let shown = render(&columns, &[&["1", "a", "q\nr"], &["2", "b\n", ""]]);
        let expected = [
            " id | x | last ",
            "----+---+------",
            "  1 | a | q   +",
            "    |   | r",
            "  2 | b+| ",
            "    |   | ",
            "(2 rows)",
            "",
            "",
        ];
        assert_eq!(shown, expected.join("\n"));
        let long = "x".repeat(200_000);
        let shown = render(&[("long", false), ("n", true)], &[&[&long, "1"]]);
        assert!(shown.contains(&format!("\n {long} | 1\n")));
        assert_eq!(render(&[], &[&[]]), "--\n(1 row)\n\n");
        assert_eq!(render(&[("a", true)], &[]), " a \n---\n(0 rows)\n\n");
    }
}
