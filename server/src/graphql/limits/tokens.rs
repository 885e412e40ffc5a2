//! Counting the lexical tokens of a document without parsing it.

/// Counts up to `limit + 1` tokens: names, numbers, strings, punctuators. White space, commas and comments do
/// not count. A text that is not GraphQL gives some number; the parser refuses it afterwards.
#[must_use]
pub fn count(document: &str, limit: usize) -> usize {
    let mut rest = document.as_bytes();
    let mut tokens = 0;
    while let Some((first, tail)) = rest.split_first() {
        rest = match first {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => {
                rest = tail;
                continue;
            }
            b'#' => {
                rest = skip_while(tail, |b| b != b'\n' && b != b'\r');
                continue;
            }
            b'"' => string(tail),
            b'.' => tail.strip_prefix(b"..").unwrap_or(tail),
            b if is_word(*b) || *b == b'-' => skip_while(tail, is_word),
            _ => tail,
        };
        tokens += 1;
        if tokens > limit {
            return tokens;
        }
    }
    tokens
}

fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80
}

fn skip_while(text: &[u8], wanted: impl Fn(u8) -> bool) -> &[u8] {
    let end = text.iter().position(|b| !wanted(*b)).unwrap_or(text.len());
    text.get(end..).unwrap_or_default()
}

/// What follows a string whose opening quote was taken.
fn string(text: &[u8]) -> &[u8] {
    if let Some(mut block) = text.strip_prefix(b"\"\"") {
        loop {
            if let Some(after) = block.strip_prefix(b"\\\"\"\"") {
                block = after;
            } else if let Some(after) = block.strip_prefix(b"\"\"\"") {
                return after;
            } else if let Some((_, after)) = block.split_first() {
                block = after;
            } else {
                return block;
            }
        }
    }
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        match first {
            b'"' | b'\n' => return tail,
            b'\\' => rest = tail.get(1..).unwrap_or_default(),
            _ => rest = tail,
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn tokens_are_counted_as_the_specification_does() {
        assert_eq!(count("{ a }", 100), 3);
        assert_eq!(count("query Q($x: Int = -1) { a(x: $x, y: [1, 2.5e3]) ...F }", 100), 29);
        assert_eq!(count("# nothing\n,, ,", 100), 0);
        assert_eq!(count(r#"{ a(s: "x { y } \" z") }"#, 100), 8);
        assert_eq!(count("{ a(s: \"\"\"block { \\\"\"\" } \"\"\") }", 100), 8);
        assert_eq!(count("{ اسم }", 100), 3);
    }

    #[test]
    fn counting_stops_at_the_limit() {
        assert_eq!(count(&"a ".repeat(5_000), 1_000), 1_001);
    }
}
