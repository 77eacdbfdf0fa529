//! What a misspelled name may have meant, for the hint of an error.

/// Changes of one character that a name may be away, at most; and no more than half of its characters.
const DISTANCE_MAX: usize = 3;

/// The nearest of `names` to `written`, if it is near enough; the first of those that are as near.
pub(super) fn nearest<'n>(written: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let written: Vec<char> = written.chars().collect();
    let far = DISTANCE_MAX.min(written.len() / 2);
    let near = names.filter_map(|name| {
        let distance = distance(&written, name)?;
        (0 < distance && distance <= far).then_some((distance, name))
    });
    near.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// How many characters have to be put in, taken out or changed, or swapped with the next one; None if it is clear from the
/// lengths that there are too many.
fn distance(written: &[char], name: &str) -> Option<usize> {
    let name: Vec<char> = name.chars().collect();
    if written.len().abs_diff(name.len()) > DISTANCE_MAX {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=name.len()).collect();
    for (row, left) in written.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, right) in name.iter().enumerate() {
            let changed = above[column] + usize::from(left != right);
            let mut cost = changed.min(above[column + 1] + 1).min(line[column] + 1);
            let is_swapped =
                row > 0 && column > 0 && *left == name[column - 1] && written[row - 1] == *right;
            if is_swapped {
                cost = cost.min(before[column - 1] + 1);
            }
            line.push(cost);
        }
        before = std::mem::replace(&mut above, line);
    }
    above.last().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_no_far_one() {
        let names = ["id", "owner", "cents", "created_at"];
        for (written, meant) in [
            ("onwer", Some("owner")),
            ("owners", Some("owner")),
            ("cent", Some("cents")),
            ("createdat", Some("created_at")),
            ("ids", Some("id")),
            ("x", None),
            ("owner", None),
            ("something", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, names.into_iter()), meant, "{written}");
        }
        assert_eq!(nearest("grün", ["gruen", "grun"].into_iter()), Some("grun"));
    }
}
