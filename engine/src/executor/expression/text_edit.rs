//! Parts of a text by characters, with PostgreSQL's edge cases.

use crate::error::{Error, Result, SqlState};

/// Byte offset of the character `index`, the end beyond the last.
fn offset(text: &str, index: i64) -> usize {
    let Ok(index) = usize::try_from(index) else { return 0 };
    if index >= text.len() {
        return text.len();
    }
    if text.is_ascii() {
        return index;
    }
    text.char_indices().nth(index).map_or(text.len(), |(start, _)| start)
}

/// Byte offset of the character that `count` characters follow up to the end.
fn offset_from_end(text: &str, count: i64) -> usize {
    let Ok(count) = usize::try_from(count) else { return text.len() };
    if count == 0 {
        return text.len();
    }
    if count >= text.len() {
        return 0;
    }
    if text.is_ascii() {
        return text.len() - count;
    }
    text.char_indices().nth_back(count - 1).map_or(0, |(start, _)| start)
}

/// The first `count` characters; all but the last -`count` when negative.
pub(super) fn left(text: &str, count: i64) -> &str {
    if count >= 0 {
        &text[..offset(text, count)]
    } else {
        &text[..offset_from_end(text, count.saturating_neg())]
    }
}

/// The last `count` characters; all but the first -`count` when negative (the least INT is no number to negate: all).
pub(super) fn right(text: &str, count: i64) -> &str {
    if count >= 0 {
        &text[offset_from_end(text, count)..]
    } else if count == i64::from(i32::MIN) {
        text
    } else {
        &text[offset(text, count.saturating_neg())..]
    }
}

/// `count` characters (or all) from the 1-based `from`, which may lie before the text. 22011 for a negative count.
pub(super) fn substring(text: &str, from: i64, count: Option<i64>) -> Result<&str> {
    let start = from.saturating_sub(1);
    let end = match count {
        Some(count) if count < 0 => {
            return Err(Error::new(
                SqlState::SubstringError,
                "negative substring length not allowed",
            ));
        }
        Some(count) => start.saturating_add(count),
        None => i64::MAX,
    };
    let rest_start = offset(text, start);
    let rest = &text[rest_start..];
    Ok(&rest[..offset(rest, end.saturating_sub(start.max(0)))])
}

/// The `field`-th part of a text between separators, counted from the end when negative. 22023 for 0.
pub(super) fn split_part<'a>(text: &'a str, separator: &str, field: i64) -> Result<&'a str> {
    if field == 0 {
        return Err(Error::new(SqlState::InvalidParameterValue, "field position must not be zero"));
    }
    let place = usize::try_from(field.unsigned_abs() - 1).unwrap_or(usize::MAX - 1);
    let part = if separator.is_empty() {
        (place == 0).then_some(text)
    } else if field > 0 {
        text.split(separator).nth(place)
    } else {
        // Separators are found from the front also when fields are counted from the end.
        let fields = text.split(separator).count();
        fields.checked_sub(place + 1).and_then(|place| text.split(separator).nth(place))
    };
    Ok(part.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_as_in_postgresql() {
        for (from, count, expected) in [
            (2, Some(3), "éll"),
            (-1, Some(3), "h"),
            (0, None, "héllo"),
            (-5, None, "héllo"),
            (-2_147_483_648, Some(2_147_483_647), ""),
            (2_147_483_647, Some(2_147_483_647), ""),
            (2, Some(2_147_483_647), "éllo"),
            (2, Some(0), ""),
        ] {
            assert_eq!(substring("héllo", from, count).unwrap(), expected, "{from} {count:?}");
        }
        let error = substring("hello", 10, Some(-2)).unwrap_err();
        assert_eq!(error.to_string(), "22011: negative substring length not allowed");
        for (count, expected_left, expected_right) in [
            (2, "hé", "lo"),
            (0, "", ""),
            (-2, "hél", "llo"),
            (-9, "", ""),
            (9, "héllo", "héllo"),
            (-2_147_483_648, "", "héllo"),
        ] {
            assert_eq!(left("héllo", count), expected_left, "{count}");
            assert_eq!(right("héllo", count), expected_right, "{count}");
        }
    }

    #[test]
    fn fields_from_both_ends() {
        for (separator, field, expected) in [
            (",", 2, "b"),
            (",", -1, "c"),
            (",", -3, "a"),
            (",", -4, ""),
            (",", 9, ""),
            ("", 1, "a,b,c"),
            ("", -1, "a,b,c"),
            ("", 2, ""),
        ] {
            assert_eq!(split_part("a,b,c", separator, field).unwrap(), expected, "{field}");
        }
        assert_eq!(split_part("aaa", "aa", -1).unwrap(), "a");
        let error = split_part("a", ",", 0).unwrap_err();
        assert_eq!(error.to_string(), "22023: field position must not be zero");
    }
}
