//! Text without what would drive the terminal that shows it.

use unicode_width::UnicodeWidthStr;

/// `text` with its control characters as psql writes them, and tabs as spaces. Line ends stay.
pub(crate) fn printable(text: &str) -> String {
    escaped(text, |c, shown| {
        if c == '\t' {
            let line = shown.rsplit('\n').next().unwrap_or_default();
            let spaces = 8 - line.width() % 8;
            shown.push_str(&" ".repeat(spaces));
        }
        c == '\t'
    })
}

/// The same of a line that will be edited, where tabs stay too.
pub(crate) fn editable(text: &str) -> String {
    escaped(text, |c, shown| {
        if c == '\t' {
            shown.push(c);
        }
        c == '\t'
    })
}

/// `text` with its control characters escaped, but for line ends and those that `is_taken` takes.
fn escaped(text: &str, is_taken: impl Fn(char, &mut String) -> bool) -> String {
    if !text.contains(|c: char| c.is_control() && c != '\n') {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        let code = c as u32;
        if !c.is_control() || c == '\n' {
            shown.push(c);
        } else if c == '\r' {
            shown.push_str("\\r");
        } else if !is_taken(c, &mut shown) {
            let escape =
                if c.is_ascii() { format!("\\x{code:02X}") } else { format!("\\u{code:04X}") };
            shown.push_str(&escape);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        for (text, shown, edited) in [
            ("a\nb", "a\nb", "a\nb"),
            ("ab\tc", "ab      c", "ab\tc"),
            ("\u{1b}[31m\r\u{7f}\u{9b}", "\\x1B[31m\\r\\x7F\\u009B", "\\x1B[31m\\r\\x7F\\u009B"),
        ] {
            assert_eq!(printable(text), shown);
            assert_eq!(editable(text), edited);
        }
    }
}
