//! Scripts: many statements in one text.

use super::lexer::Lexer;
use super::token::TokenKind;

/// Cuts a script at the semicolons outside strings, quoted names and comments.
///
/// Each piece starts at its first token and ends before its semicolon; empty statements give no piece. What
/// cannot be cut further, such as a string without an end, is one piece, whose parse reports the error.
pub fn statements(text: &str) -> impl Iterator<Item = &str> {
    let mut lexer = Lexer::new(text);
    std::iter::from_fn(move || {
        let mut piece: Option<(usize, usize)> = None;
        loop {
            let token = lexer.next_token();
            match (token.kind, piece) {
                (TokenKind::Symbol(b';'), None) => {}
                (TokenKind::Symbol(b';') | TokenKind::End, Some((start, end))) => {
                    return Some(&text[start..end]);
                }
                (TokenKind::End, None) => return None,
                (_, Some((start, _))) => piece = Some((start, token.end)),
                (_, None) => piece = Some((token.start, token.end)),
            }
        }
    })
}

/// The first parameter that a statement's text names, `$2`, and the byte it begins at.
pub fn first_parameter(text: &str) -> Option<(&str, usize)> {
    let mut lexer = Lexer::new(text);
    loop {
        let token = lexer.next_token();
        match token.kind {
            TokenKind::Parameter => return Some((&text[token.start..token.end], token.start)),
            TokenKind::End => return None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_at_semicolons_between_statements() {
        for (text, expected) in [
            ("", &[][..]),
            (" ; ;; -- x\n /* ; */ ", &[]),
            ("select 1", &["select 1"]),
            (" select 1 ; -- a;b\n select 2 /* ; */ ;", &["select 1", "select 2"]),
            (
                "select ';', \"a;b\", $$;$$, $a$;$$;$a$; x",
                &["select ';', \"a;b\", $$;$$, $a$;$$;$a$", "x"],
            ),
            ("select E'\\';'; select '\\'; b", &["select E'\\';'", "select '\\'", "b"]),
            ("select 'a'\n ';'; b", &["select 'a'\n ';'", "b"]),
            ("/* /* ; */ ; */ a; b /* ;", &["a", "b /* ;"]),
            ("a; select 'b; c", &["a", "select 'b; c"]),
            ("a; $x$ b; c", &["a", "$x$ b; c"]),
            ("1a; x$$;$$; é;", &["1a", "x$$", "$$; é;"]),
        ] {
            assert_eq!(statements(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn parameters_are_not_those_within_strings() {
        for (text, expected) in [
            ("select 'é $1' || $2 || $3", Some(("$2", 18))),
            ("select $$ $1 $$ -- $2", None),
            ("", None),
        ] {
            assert_eq!(first_parameter(text), expected, "{text}");
        }
    }
}
