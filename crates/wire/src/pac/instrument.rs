//! A copy of a script that says which `return` it is about to take, and the rule that each one belongs to.
//!
//! `return x` becomes `return mark(7), x`, and a bare `return` becomes `return mark(7)`, whose value is undefined too. No
//! line is added or moved. The copy is made from tokens, not from a parsed program: where it goes wrong, it fails to load
//! or answers something else, and then no rule is told.

use super::engine::MARK;
use super::tokens::{Kind, Token, tokens};

/// Characters of a condition and of a statement that are shown.
const TEXT_LIMIT: usize = 120;

pub(super) struct Instrumented {
    pub(super) script: String,
    /// By the number that the copy reports.
    pub(super) rules: Vec<Marked>,
}

/// A `return` of the script.
#[derive(Debug)]
pub(super) struct Marked {
    pub(super) line: u32,
    /// The statement with the `if` that it belongs to.
    pub(super) text: String,
    /// Its value is that of one call of a function: `return pick(host)`.
    pub(super) is_call_alone: bool,
}

pub(super) fn instrument(script: &str) -> Instrumented {
    let tokens = tokens(script);
    let mut copy = String::with_capacity(script.len() + script.len() / 4);
    let mut rules = Vec::new();
    let mut copied = 0;
    // Brackets that are open, and for each closing one the place of its opening one.
    let mut open: Vec<usize> = Vec::new();
    let mut opened_by: Vec<Option<usize>> = Vec::with_capacity(tokens.len());
    for (n, token) in tokens.iter().enumerate() {
        let mut partner = None;
        match token.kind {
            Kind::Sign(b'(' | b'[' | b'{') => open.push(n),
            Kind::Sign(b')' | b']' | b'}') => partner = open.pop(),
            _ => {}
        }
        opened_by.push(partner);
        if !is_statement(&tokens, n) {
            continue;
        }
        let place = Place { tokens: &tokens, opened_by: &opened_by, script };
        let last = place.last_token(n);
        let statement = place.text(n, last);
        let text = match place.condition(n, open.last().copied()) {
            Some(condition) => format!("{condition} {statement}"),
            None => statement,
        };
        let end = token.end();
        copy.push_str(script.get(copied..end).unwrap_or_default());
        copied = end;
        let number = rules.len();
        copy.push_str(&match tokens.get(n + 1) {
            Some(next) if next.is_sign(b';') => format!(" {MARK}({number})"),
            Some(next) if !next.is_sign(b'}') && !next.after_line_end => format!(" {MARK}({number}),"),
            _ => format!(" {MARK}({number});"),
        });
        rules.push(Marked { line: token.line, text, is_call_alone: is_call_alone(&tokens, n, last) });
    }
    copy.push_str(script.get(copied..).unwrap_or_default());
    Instrumented { script: copy, rules }
}

/// The word `return` where it is a statement, and not the name of a property.
fn is_statement(tokens: &[Token<'_>], n: usize) -> bool {
    let is_return = tokens.get(n).is_some_and(|token| token.is_word("return"));
    let after_dot = n.checked_sub(1).and_then(|before| tokens.get(before)).is_some_and(|before| before.is_sign(b'.'));
    is_return && !after_dot && !tokens.get(n + 1).is_some_and(|next| next.is_sign(b':') || next.is_sign(b'='))
}

/// `return`, a name, and brackets that close with the statement and not before.
fn is_call_alone(tokens: &[Token<'_>], first: usize, last: usize) -> bool {
    let Some([_, name, open, .., close]) = tokens.get(first..=last) else { return false };
    if name.kind != Kind::Word || !open.is_sign(b'(') || !close.is_sign(b')') {
        return false;
    }
    let mut depth = 0usize;
    for token in tokens.get(first + 2..last).unwrap_or_default() {
        match token.kind {
            Kind::Sign(b'(') => depth += 1,
            Kind::Sign(b')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return false;
        }
    }
    true
}

struct Place<'a> {
    tokens: &'a [Token<'a>],
    opened_by: &'a [Option<usize>],
    script: &'a str,
}

impl Place<'_> {
    /// The `if` or `else` that the statement stands in, directly or as part of a block.
    fn condition(&self, statement: usize, block: Option<usize>) -> Option<String> {
        let direct = statement.checked_sub(1)?;
        let of_block = || {
            let brace = block.filter(|brace| self.tokens.get(*brace).is_some_and(|token| token.is_sign(b'{')))?;
            self.branch(brace.checked_sub(1)?)
        };
        self.branch(direct).or_else(of_block)
    }

    /// The `if (...)` that ends at this token, or the `else`.
    fn branch(&self, end: usize) -> Option<String> {
        let last = self.tokens.get(end)?;
        if last.is_word("else") {
            return Some("else".to_owned());
        }
        let word = (*self.opened_by.get(end)?)?.checked_sub(1)?;
        let first = self.tokens.get(word).filter(|token| token.is_word("if"))?;
        Some(shorten(self.script.get(first.start..last.end())?))
    }

    /// The last token of a statement, which ends with a semicolon, with its block, or with the line (ECMA-262 section
    /// 12.10).
    fn last_token(&self, start: usize) -> usize {
        let mut depth = 0usize;
        let mut end = start;
        for (n, token) in self.tokens.iter().enumerate().skip(start + 1) {
            match token.kind {
                Kind::Sign(b'(' | b'[' | b'{') => depth += 1,
                Kind::Sign(b')' | b']' | b'}') if depth == 0 => break,
                Kind::Sign(b')' | b']' | b'}') => depth -= 1,
                Kind::Sign(b';') if depth == 0 => break,
                _ => {}
            }
            let goes_on = matches!(token.kind, Kind::Sign(sign) if sign != b'{')
                || matches!(self.tokens.get(n - 1).map(|before| before.kind), Some(Kind::Sign(sign)) if sign != b')');
            if depth == 0 && token.after_line_end && !goes_on {
                break;
            }
            end = n;
        }
        end
    }

    fn text(&self, first: usize, last: usize) -> String {
        let octets = self.tokens.get(first).map_or(0, |token| token.start)..self.tokens.get(last).map_or(0, Token::end);
        shorten(self.script.get(octets).unwrap_or_default())
    }
}

/// On one line, and cut.
fn shorten(text: &str) -> String {
    // Enough to fill the limit, however much white space there is after it.
    let mut short = String::new();
    for word in text.split_whitespace() {
        if !short.is_empty() {
            short.push(' ');
        }
        short.extend(word.chars().filter(|c| !c.is_control()).take(TEXT_LIMIT + 1));
        if short.chars().count() > TEXT_LIMIT {
            return short.chars().take(TEXT_LIMIT).chain(['…']).collect();
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_return_has_its_rule() {
        let script = "function F(u, h) {\n\
             if (isPlainHostName(h)) return 'DIRECT';\n\
             if (dnsDomainIs(h, '.a') ||\n    dnsDomainIs(h, '.b'))\n{\n  alert('return');\n  return \"PROXY a:1\"\n}\n\
             else { return pick(h) }\n\
             x.return = {return: 1};\n\
             return u ? 'A' :\n  'B';\n}\nfunction g() { return\n}\nfunction h() { if (1) return; else return }";
        let Instrumented { script: copy, rules } = instrument(script);
        let rules: Vec<(u32, &str)> = rules.iter().map(|rule| (rule.line, rule.text.as_str())).collect();
        assert_eq!(
            rules,
            [
                (2, "if (isPlainHostName(h)) return 'DIRECT'"),
                (7, "if (dnsDomainIs(h, '.a') || dnsDomainIs(h, '.b')) return \"PROXY a:1\""),
                (9, "else return pick(h)"),
                (11, "return u ? 'A' : 'B'"),
                (14, "return"),
                (16, "if (1) return"),
                (16, "else return"),
            ]
        );
        let calls = instrument(
            "return f(); return f(a, (b)); return f(a)(b); return f(a) + (b); return new F(a); return (f(a))",
        );
        assert_eq!(
            calls.rules.iter().map(|rule| rule.is_call_alone).collect::<Vec<_>>(),
            [true, true, false, false, false, false]
        );
        assert_eq!(copy.lines().count(), script.lines().count());
        assert!(copy.contains("return __truepath_return(0), 'DIRECT';"), "{copy}");
        assert!(copy.contains("if (1) return __truepath_return(5); else return __truepath_return(6); }"), "{copy}");
        assert!(copy.contains("x.return = {return: 1};"), "{copy}");
    }

    #[test]
    fn long_conditions_are_cut() {
        let script = format!("if ({}) return 1", vec!["a"; 1_000].join(" || "));
        let rules = instrument(&script).rules;
        assert!(rules[0].text.ends_with("… return 1"), "{}", rules[0].text);
    }
}
