//! Code points come from few rows of 256: the registries give out their values that way. Tables for them have a part for
//! each row, and none for the rest.

/// Where the part of each high octet begins in a table that keeps `size` entries for a row; 255, beyond all tables, for
/// an octet that has none.
#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "worked out by the compiler, which refuses an index that is out of range"
)]
pub(super) const fn beginnings<const ROWS: usize>(rows: [u8; ROWS], size: usize) -> [u8; 256] {
    assert!(ROWS * size < u8::MAX as usize);
    let mut table = [u8::MAX; 256];
    let mut row = 0;
    while row < ROWS {
        table[rows[row] as usize] = (row * size) as u8;
        row += 1;
    }
    table
}
