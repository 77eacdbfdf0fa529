//! Text without what would drive the terminal that shows it.

use unicode_width::UnicodeWidthStr;

/// `text` with its control characters as psql writes them, and tabs as spaces. Line ends stay.
pub(crate) fn printable(text: &str) -> String {
    if !text.contains(|c: char| c.is_control() && c != '\n') {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        let code = c as u32;
        if c == '\t' {
            let line = shown.rsplit('\n').next().unwrap_or_default();
            let spaces = 8 - line.width() % 8;
            shown.push_str(&" ".repeat(spaces));
        } else if c == '\r' {
            shown.push_str("\\r");
        } else if !c.is_control() || c == '\n' {
            shown.push(c);
        } else {
            let escape =
                if c.is_ascii() { format!("\\x{code:02X}") } else { format!("\\u{code:04X}") };
            shown.push_str(&escape);
        }
    }
    shown
}
