//! The parser's state: a cursor over tokens with one token of lookahead, and the count of nesting.

use super::ast::Identifier;
use super::keyword::{Category, Keyword};
use super::lexer::Lexer;
use super::literal;
use super::token::{Token, TokenKind};
use crate::error::{Error, Result, SqlState};
use crate::limits::NESTING_DEPTH_MAX;
use crate::types::Position;

/// Levels of the parser's own recursion. Parentheses, which leave no node, take them too: as many as Display writes,
/// three levels for a node in parentheses, must fit at least, so that what was parsed once is parsed again. A level
/// takes up to 1.6 KiB of stack in the dev profile; calls and CASE, whose frames are larger, take two.
const RECURSION_MAX: usize = 4 * NESTING_DEPTH_MAX;

/// A statement being parsed.
#[derive(Debug)]
pub(super) struct Parser<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    current: Token,
    next: Token,
    /// Levels of recursion entered.
    depth: usize,
    /// Height of the tree that has been parsed since the innermost [`Parser::nested`] began.
    height: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut lexer = Lexer::new(text);
        let current = lexer.next_token();
        let next = lexer.next_token();
        Self { text, lexer, current, next, depth: 0, height: 0 }
    }

    // Tokens.

    pub(super) fn kind(&self) -> TokenKind {
        self.current.kind
    }

    pub(super) fn next_kind(&self) -> TokenKind {
        self.next.kind
    }

    pub(super) fn position(&self) -> Position {
        self.current.position
    }

    /// Where the token behind the current one stands.
    pub(super) fn next_position(&self) -> Position {
        self.next.position
    }

    /// The current token as written.
    pub(super) fn token_text(&self) -> &'a str {
        &self.text[self.current.start..self.current.end]
    }

    /// Moves to the next token; answers the one left.
    pub(super) fn advance(&mut self) -> Token {
        let left = self.current;
        self.current = self.next;
        self.next = self.lexer.next_token();
        left
    }

    pub(super) fn is(&self, kind: TokenKind) -> bool {
        self.current.kind == kind
    }

    pub(super) fn is_symbol(&self, symbol: u8) -> bool {
        self.is(TokenKind::Symbol(symbol))
    }

    pub(super) fn is_keyword(&self, keyword: Keyword) -> bool {
        self.is(TokenKind::Keyword(keyword))
    }

    pub(super) fn next_is_symbol(&self, symbol: u8) -> bool {
        self.next.kind == TokenKind::Symbol(symbol)
    }

    pub(super) fn next_is_keyword(&self, keyword: Keyword) -> bool {
        self.next.kind == TokenKind::Keyword(keyword)
    }

    /// Whether the token behind the next one is of this kind; rarely asked, so it is lexed anew.
    pub(super) fn second_next_is(&self, kind: TokenKind) -> bool {
        self.lexer.clone().next_token().kind == kind
    }

    /// Takes the symbol if it stands here.
    pub(super) fn accept_symbol(&mut self, symbol: u8) -> bool {
        let found = self.is_symbol(symbol);
        if found {
            self.advance();
        }
        found
    }

    /// Takes the keyword if it stands here.
    pub(super) fn accept_keyword(&mut self, keyword: Keyword) -> bool {
        let found = self.is_keyword(keyword);
        if found {
            self.advance();
        }
        found
    }

    /// Takes the keywords if the first stands here; then all must.
    pub(super) fn accept_keywords(&mut self, keywords: &[Keyword]) -> Result<bool> {
        if !self.is_keyword(keywords[0]) {
            return Ok(false);
        }
        for &keyword in keywords {
            self.expect_keyword(keyword)?;
        }
        Ok(true)
    }

    pub(super) fn expect_symbol(&mut self, symbol: u8) -> Result<()> {
        if self.accept_symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn expect_keyword(&mut self, keyword: Keyword) -> Result<()> {
        if self.accept_keyword(keyword) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// The error for a token that may not stand here.
    #[cold]
    pub(super) fn unexpected(&self) -> Error {
        match self.current.kind {
            TokenKind::End => Error::syntax_at_end(self.current.position),
            TokenKind::Invalid(error) => error.error(self.token_text(), self.current.position),
            _ => Error::syntax_near(self.token_text(), self.current.position),
        }
    }

    /// 0A000 for what stands here.
    #[cold]
    pub(super) fn not_supported(&self, what: &str) -> Error {
        Error::not_supported(what, self.current.position)
    }

    /// 0A000 if the keyword stands here.
    pub(super) fn refuse_keyword(&self, keyword: Keyword, what: &str) -> Result<()> {
        if self.is_keyword(keyword) { Err(self.not_supported(what)) } else { Ok(()) }
    }

    /// 42601 with another message than `syntax error`.
    #[cold]
    pub(super) fn syntax_error(message: impl Into<String>, position: Position) -> Error {
        Error::new(SqlState::SyntaxError, message).at(position)
    }

    // Names.

    /// Whether the token may be a column, table or variable name (PostgreSQL's `ColId`).
    pub(super) fn is_column_name(kind: TokenKind) -> bool {
        match kind {
            TokenKind::Word | TokenKind::QuotedName => true,
            TokenKind::Keyword(keyword) => {
                matches!(keyword.category(), Category::Unreserved | Category::ColumnName)
            }
            _ => false,
        }
    }

    /// Whether the token may be a function or type name (`type_function_name`).
    pub(super) fn is_function_name(kind: TokenKind) -> bool {
        match kind {
            TokenKind::Word | TokenKind::QuotedName => true,
            TokenKind::Keyword(keyword) => {
                matches!(keyword.category(), Category::Unreserved | Category::TypeOrFunction)
            }
            _ => false,
        }
    }

    /// Whether the token may be a label behind AS or a dot (`ColLabel`).
    pub(super) fn is_label(kind: TokenKind) -> bool {
        matches!(kind, TokenKind::Word | TokenKind::QuotedName | TokenKind::Keyword(_))
    }

    /// Whether the token may be a label without AS (`BareColLabel`).
    pub(super) fn is_bare_label(kind: TokenKind) -> bool {
        match kind {
            TokenKind::Word | TokenKind::QuotedName => true,
            TokenKind::Keyword(keyword) => keyword.is_bare_label(),
            _ => false,
        }
    }

    /// Takes the current token, which must be some word, as a name.
    pub(super) fn take_name(&mut self) -> Identifier {
        let text = self.token_text();
        let token = self.advance();
        let name = match token.kind {
            TokenKind::QuotedName => literal::quoted_name(text),
            _ => literal::fold_name(text),
        };
        Identifier { name, position: token.position }
    }

    /// A column, table, alias or savepoint name.
    pub(super) fn column_name(&mut self) -> Result<Identifier> {
        if Self::is_column_name(self.kind()) {
            Ok(self.take_name())
        } else {
            Err(self.unexpected())
        }
    }

    /// Any word, reserved ones too.
    pub(super) fn label(&mut self) -> Result<Identifier> {
        if Self::is_label(self.kind()) { Ok(self.take_name()) } else { Err(self.unexpected()) }
    }

    /// `(name, ...)`.
    pub(super) fn name_list(&mut self) -> Result<Vec<Identifier>> {
        self.expect_symbol(b'(')?;
        let names = self.comma_separated(Self::column_name)?;
        self.expect_symbol(b')')?;
        Ok(names)
    }

    /// A string literal.
    pub(super) fn string(&mut self) -> Result<String> {
        let TokenKind::String(style) = self.kind() else {
            return Err(self.unexpected());
        };
        let text = self.token_text();
        let token = self.advance();
        literal::string(text, style, token.position)
    }

    /// One or more, comma-separated.
    pub(super) fn comma_separated<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.accept_symbol(b',') {
            items.push(item(self)?);
        }
        Ok(items)
    }

    // Nesting. Later stages, Display and drop recurse over the tree, so the tree's height is bounded; a chain such as
    // 1+1+1 is parsed in a loop, yet it is as high as it is long. The parser's own recursion is bounded apart.

    /// Parses something by recursion; its height counts among what is parsed beside it.
    pub(super) fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let height_outside = std::mem::take(&mut self.height);
        self.depth += 1;
        if self.depth > RECURSION_MAX {
            return Err(Error::nesting_too_deep(self.current.position));
        }
        let parsed = parse(self)?;
        self.depth -= 1;
        self.height = self.height.max(height_outside);
        Ok(parsed)
    }

    /// Counts a node above all that has been parsed since the innermost [`Parser::nested`] began.
    pub(super) fn deepen(&mut self) -> Result<()> {
        self.height += 1;
        if self.height > NESTING_DEPTH_MAX {
            return Err(Error::nesting_too_deep(self.current.position));
        }
        Ok(())
    }
}
