//! Distances of vectors: pgvector's four metrics, as loops that the compiler turns into vector instructions.
//!
//! Sums are kept in [`LANES`] independent lanes of f32 and added up at the end in one fixed order, so a result does not
//! depend on which instructions the machine has. [`distances`] picks those at run time: AVX2 halves the work of SSE2,
//! which is all that the compiler may assume.

#![expect(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the chosen instructions"
)]

use crate::error::{Error, Result, SqlState};

/// Independent sums of one loop.
const LANES: usize = 16;

/// A distance operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    /// `<->`
    Euclidean,
    /// `<#>`: the negative inner product.
    InnerProduct,
    /// `<=>`: one minus the cosine; NaN for a zero vector.
    Cosine,
    /// `<+>`
    Taxicab,
}

/// The distance of two vectors. 22000 when their dimensions differ.
pub fn distance(metric: Metric, left: &[f32], right: &[f32]) -> Result<f64> {
    if left.len() != right.len() {
        return Err(Error::new(
            SqlState::DataException,
            format!("different vector dimensions {} and {}", left.len(), right.len()),
        ));
    }
    Ok(match metric {
        Metric::Euclidean => euclidean(left, right),
        Metric::InnerProduct => -inner_product(left, right),
        Metric::Cosine => {
            cosine(inner_product(left, right), norm_squared(left), norm_squared(right))
        }
        Metric::Taxicab => taxicab(left, right),
    })
}

/// Appends the distance of `query` to each vector of a block: vectors of the query's dimension back to back.
pub fn distances(metric: Metric, query: &[f32], block: &[f32], out: &mut Vec<f64>) {
    if query.is_empty() {
        return;
    }
    let start = out.len();
    out.resize(start + block.len() / query.len(), 0.0);
    pulp::Arch::new().dispatch(Job { metric, query, block, out: &mut out[start..] });
}

/// One block's distances, compiled once for each set of instructions.
struct Job<'a> {
    metric: Metric,
    query: &'a [f32],
    block: &'a [f32],
    out: &'a mut [f64],
}

impl pulp::WithSimd for Job<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self { metric, query, block, out } = self;
        let places = out.iter_mut().zip(block.chunks_exact(query.len()));
        match metric {
            Metric::Euclidean => {
                for (place, vector) in places {
                    *place = euclidean(query, vector);
                }
            }
            Metric::InnerProduct => {
                for (place, vector) in places {
                    *place = -inner_product(query, vector);
                }
            }
            Metric::Taxicab => {
                for (place, vector) in places {
                    *place = taxicab(query, vector);
                }
            }
            Metric::Cosine => {
                let norm = norm_squared(query);
                for (place, vector) in places {
                    *place = cosine(inner_product(query, vector), norm, norm_squared(vector));
                }
            }
        }
    }
}

/// Sums `term` over both vectors' elements.
#[inline(always)]
fn sum(left: &[f32], right: &[f32], term: impl Fn(f32, f32) -> f32) -> f64 {
    let mut lanes = [0.0_f32; LANES];
    let (left_chunks, left_rest) = left.as_chunks::<LANES>();
    let (right_chunks, right_rest) = right.as_chunks::<LANES>();
    for (left, right) in left_chunks.iter().zip(right_chunks) {
        for lane in 0..LANES {
            lanes[lane] += term(left[lane], right[lane]);
        }
    }
    if !left_rest.is_empty() {
        let (left, right) = (padded(left_rest), padded(right_rest));
        for lane in 0..LANES {
            lanes[lane] += term(left[lane], right[lane]);
        }
    }
    add_up(lanes)
}

/// The last elements and zeros behind them. (A loop over just these elements would index the lanes by a variable, and
/// the compiler would keep them in memory instead of registers.)
#[inline(always)]
fn padded(rest: &[f32]) -> [f32; LANES] {
    let mut lanes = [0.0; LANES];
    lanes[..rest.len()].copy_from_slice(rest);
    lanes
}

/// The lanes' sum: halves onto halves in f32, which is again a loop over lanes, and the last four in f64.
#[inline(always)]
fn add_up(lanes: [f32; LANES]) -> f64 {
    let mut quarter = [0.0_f32; LANES / 4];
    for (lane, sum) in quarter.iter_mut().enumerate() {
        *sum = (lanes[lane] + lanes[lane + 8]) + (lanes[lane + 4] + lanes[lane + 12]);
    }
    let wide = quarter.map(f64::from);
    (wide[0] + wide[2]) + (wide[1] + wide[3])
}

#[inline(always)]
fn euclidean(left: &[f32], right: &[f32]) -> f64 {
    sum(left, right, |left, right| (left - right) * (left - right)).sqrt()
}

/// The inner product.
#[inline(always)]
pub fn inner_product(left: &[f32], right: &[f32]) -> f64 {
    sum(left, right, |left, right| left * right)
}

#[inline(always)]
fn norm_squared(vector: &[f32]) -> f64 {
    inner_product(vector, vector)
}

/// The Euclidean length, summed in f64 as pgvector does.
pub fn norm(vector: &[f32]) -> f64 {
    vector.iter().map(|&element| f64::from(element) * f64::from(element)).sum::<f64>().sqrt()
}

#[inline(always)]
fn taxicab(left: &[f32], right: &[f32]) -> f64 {
    sum(left, right, |left, right| (left - right).abs())
}

#[inline(always)]
fn cosine(product: f64, left_norm_squared: f64, right_norm_squared: f64) -> f64 {
    let similarity = product / (left_norm_squared * right_norm_squared).sqrt();
    // Rounding may carry it a little beyond; NaN stays NaN.
    1.0 - similarity.clamp(-1.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: [Metric; 4] =
        [Metric::Euclidean, Metric::InnerProduct, Metric::Cosine, Metric::Taxicab];

    #[test]
    fn known_distances() {
        let cases: [(Metric, &[f32], &[f32], f64); 8] = [
            (Metric::Euclidean, &[0.0, 0.0], &[3.0, 4.0], 5.0),
            (Metric::InnerProduct, &[1.0, 2.0], &[3.0, 4.0], -11.0),
            (Metric::Cosine, &[1.0, 0.0], &[2.0, 0.0], 0.0),
            (Metric::Cosine, &[1.0, 0.0], &[0.0, 2.0], 1.0),
            (Metric::Cosine, &[1.0, 1.0], &[-1.0, -1.0], 2.0),
            (Metric::Taxicab, &[0.0, 0.0], &[3.0, -4.0], 7.0),
            (Metric::Euclidean, &[3e38], &[-3e38], f64::INFINITY),
            (Metric::Taxicab, &[], &[], 0.0),
        ];
        for (metric, left, right, expected) in cases {
            assert_eq!(distance(metric, left, right).unwrap(), expected, "{metric:?}");
        }
        assert!(distance(Metric::Cosine, &[0.0], &[1.0]).unwrap().is_nan());
        let error = distance(Metric::Euclidean, &[0.0; 3], &[0.0; 2]).unwrap_err();
        assert_eq!(error.to_string(), "22000: different vector dimensions 3 and 2");
    }

    #[test]
    fn blocks_equal_single_distances_at_every_dimension() {
        for dimensions in 1..70 {
            let number = |place: usize| ((place * 7919 + 13) % 1009) as f32 / 100.0 - 5.0;
            let block: Vec<f32> = (0..dimensions * 9).map(number).collect();
            let query: Vec<f32> = (0..dimensions).map(|place| number(place + 500)).collect();
            for metric in METRICS {
                let mut out = Vec::new();
                distances(metric, &query, &block, &mut out);
                assert_eq!(out.len(), 9);
                for (vector, &found) in block.chunks_exact(dimensions).zip(&out) {
                    assert_eq!(found, distance(metric, &query, vector).unwrap());
                    let plain = plain_distance(metric, &query, vector);
                    assert!((found - plain).abs() <= 1e-5 * plain.abs().max(1.0), "{metric:?}");
                }
            }
        }
    }

    fn plain_distance(metric: Metric, left: &[f32], right: &[f32]) -> f64 {
        let sum = |term: fn(f64, f64) -> f64, left: &[f32], right: &[f32]| -> f64 {
            left.iter().zip(right).map(|(&left, &right)| term(left.into(), right.into())).sum()
        };
        let product = |left: &[f32], right: &[f32]| sum(|left, right| left * right, left, right);
        match metric {
            Metric::Euclidean => sum(|left, right| (left - right).powi(2), left, right).sqrt(),
            Metric::InnerProduct => -product(left, right),
            Metric::Taxicab => sum(|left, right| (left - right).abs(), left, right),
            Metric::Cosine => {
                1.0 - product(left, right) / (product(left, left) * product(right, right)).sqrt()
            }
        }
    }
}
