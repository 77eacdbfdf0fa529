//! Handwritten digits as characters, side by side as far as there is room.

/// Pixels of a row, and rows.
const SIDE: usize = 8;

/// Characters from white to black; a pixel is 0 to 16.
const SHADES: &[u8] = b" .:-=+*#%@";

/// The darkest pixel.
const DARKEST: f32 = 16.0;

/// Blanks before the first image.
const INDENT: &str = "  ";

/// Blanks between two images.
const GAP: &str = "   ";

/// An image with a line below it.
pub(super) struct Image {
    /// Row by row.
    pub(super) pixels: Vec<f32>,
    /// What stands below it.
    pub(super) caption: String,
}

/// The images, as many in a row as `columns` have room for. A pixel is two characters wide, since a character is twice
/// as high as wide.
pub(super) fn draw(images: &[Image], columns: usize) -> String {
    // No gap follows the last image.
    let fitting = (columns + GAP.len()).saturating_sub(INDENT.len()) / (2 * SIDE + GAP.len());
    let rows: Vec<String> = images.chunks(fitting.max(1)).map(draw_row).collect();
    rows.join("\n\n")
}

fn draw_row(images: &[Image]) -> String {
    let mut lines = Vec::with_capacity(SIDE + 1);
    for row in 0..SIDE {
        let line: Vec<String> = images.iter().map(|image| image.row(row)).collect();
        lines.push(line.join(GAP));
    }
    let width = 2 * SIDE;
    let captions = images.iter().map(|image| format!("{:width$}", image.caption));
    lines.push(captions.collect::<Vec<_>>().join(GAP));
    let lines: Vec<String> =
        lines.iter().map(|line| format!("{INDENT}{}", line.trim_end())).collect();
    lines.join("\n")
}

impl Image {
    fn row(&self, row: usize) -> String {
        let pixels = self.pixels.iter().skip(row * SIDE).take(SIDE);
        pixels.flat_map(|pixel| [shade(*pixel); 2]).collect()
    }
}

fn shade(pixel: f32) -> char {
    let last = SHADES.len() - 1;
    let place = (pixel.clamp(0.0, DARKEST) / DARKEST * last as f32).round() as usize;
    char::from(SHADES[place.min(last)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_stand_side_by_side() {
        let mut pixels = vec![0.0; SIDE * SIDE];
        (pixels[0], pixels[9], pixels[63]) = (16.0, 8.0, 99.0);
        let image = |caption: &str| Image { pixels: pixels.clone(), caption: caption.to_owned() };
        let drawn = draw(&[image("a 1"), image("b")], 80);
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(lines.len(), SIDE + 1);
        assert_eq!(lines[0], format!("  @@{}@@", " ".repeat(17)));
        assert_eq!(lines[1], format!("    =={}==", " ".repeat(17)).replace("==", &"+".repeat(2)));
        assert!(lines[7].ends_with("@@"));
        assert_eq!(lines[8], format!("  a 1{}b", " ".repeat(16)));
    }
    #[test]
    fn a_row_is_no_wider_than_there_is_room() {
        let image = || Image { pixels: vec![16.0; SIDE * SIDE], caption: "c".repeat(2 * SIDE) };
        let images: Vec<Image> = (0..8).map(|_| image()).collect();
        for (columns, rows) in [(0, 8), (36, 8), (37, 4), (74, 3), (75, 2), (80, 2), (151, 1)] {
            let drawn = draw(&images, columns);
            assert_eq!(drawn.split("\n\n").count(), rows, "{columns}");
            assert!(drawn.lines().all(|line| line.len() <= columns.max(18)), "{columns}: {drawn}");
        }
    }
}
