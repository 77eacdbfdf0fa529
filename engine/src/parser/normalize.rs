//! A statement's text without its constants: what executions of one shape have in common.

use super::lexer::Lexer;
use super::script::first_parameter;
use super::token::{Token, TokenKind};

/// The text with `$n` for each literal, counted on from the parameters that it has, blanks and comments as one blank, and cut
/// behind `bytes_max`. Of a list of literals only the first is left: `IN ($1, ...)`.
pub fn normalize(text: &str, bytes_max: usize) -> String {
    let mut lexer = Lexer::new(text);
    let mut normal = String::with_capacity(text.len().min(bytes_max));
    let mut next_parameter = highest_parameter(text) + 1;
    let mut behind: Option<Token> = None;
    let mut is_in_list = false;
    let mut pending_comma = false;
    loop {
        let token = lexer.next_token();
        if token.kind == TokenKind::End || normal.len() >= bytes_max {
            break;
        }
        let is_literal = matches!(token.kind, TokenKind::Number | TokenKind::String(_));
        // `literal , literal`: the comma waits until it is known what follows.
        if is_in_list && token.kind == TokenKind::Symbol(b',') && !pending_comma {
            pending_comma = true;
            behind = Some(token);
            continue;
        }
        if std::mem::take(&mut pending_comma) {
            if is_literal {
                if !normal.ends_with("...") {
                    normal.push_str(", ...");
                }
                behind = Some(token);
                continue;
            }
            normal.push(',');
        }
        if behind.is_some_and(|behind| behind.end < token.start) {
            normal.push(' ');
        }
        if is_literal {
            normal.push('$');
            normal.push_str(&next_parameter.to_string());
            next_parameter += 1;
        } else {
            normal.push_str(&text[token.start..token.end]);
        }
        is_in_list = is_literal;
        behind = Some(token);
    }
    normal.truncate(normal.floor_char_boundary(bytes_max));
    normal
}

fn highest_parameter(text: &str) -> u32 {
    // Most texts have none, and are not gone through twice for that.
    if !text.contains('$') || first_parameter(text).is_none() {
        return 0;
    }
    let mut lexer = Lexer::new(text);
    let mut highest = 0;
    loop {
        let token = lexer.next_token();
        match token.kind {
            TokenKind::End => return highest,
            TokenKind::Parameter => {
                let number = text[token.start + 1..token.end].parse().unwrap_or(0);
                highest = highest.max(number);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_taken_out() {
        for (text, expected) in [
            ("SELECT 1", "SELECT $1"),
            ("SELECT  a,\n b -- c\n FROM t WHERE a = 'x''y'", "SELECT a, b FROM t WHERE a = $1"),
            ("SELECT $1, 2, 'x' FROM t", "SELECT $1, $2, ... FROM t"),
            ("SELECT $2 WHERE a = 1", "SELECT $2 WHERE a = $3"),
            (
                "a IN (1, 2, 3) AND b IN (1) AND c IN (x, 2)",
                "a IN ($1, ...) AND b IN ($2) AND c IN (x, $3)",
            ),
            ("VALUES (1, 'a', x, 2)", "VALUES ($1, ..., x, $2)"),
            ("SELECT E'\\n', $$1$$", "SELECT $1, ..."),
            ("SELECT 'never ends", "SELECT 'never ends"),
            ("", ""),
        ] {
            assert_eq!(normalize(text, 1_000), expected, "{text}");
        }
        assert_eq!(normalize("SELECT äöü", 10), "SELECT ä");
    }
}
