//! Columns aligned as kubectl aligns them: cells end in tabs, and a column reaches over the neighbouring lines that
//! have it.

use unicode_width::UnicodeWidthStr;

use crate::plan::printable::cell;

/// The least width of a column of `get`, padding included.
const MINIMUM: usize = 6;
/// Spaces behind the widest cell of `get`.
const PADDING: usize = 3;

/// Aligns a header and rows as `get` does: three spaces between columns, nothing behind the last cell.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let header = header.join("\t");
    let rows = rows
        .iter()
        .map(|row| row.iter().map(|text| cell(text)).collect::<Vec<_>>().join("\t"));
    let lines: Vec<String> = std::iter::once(header).chain(rows).collect();
    align(&lines.join("\n"), MINIMUM, PADDING) + "\n"
}

/// Aligns text whose cells end in tabs. A column block is a run of lines that have a cell in that column; its width is
/// that of the widest cell and `padding`, at least `minimum`.
pub fn align(text: &str, minimum: usize, padding: usize) -> String {
    let lines: Vec<Vec<&str>> = text.split('\n').map(|line| line.split('\t').collect()).collect();
    let mut widths: Vec<Vec<usize>> = vec![Vec::new(); lines.len()];
    measure(&lines, 0, &mut widths, &|cell| {
        (cell.width() + padding).max(minimum)
    });
    let written = lines
        .iter()
        .zip(&widths)
        .map(|(cells, widths)| write_line(cells, widths));
    written.collect::<Vec<_>>().join("\n")
}

/// Finds the column blocks of these lines from one column on, and adds their widths line by line.
fn measure(lines: &[Vec<&str>], column: usize, widths: &mut [Vec<usize>], size: &dyn Fn(&str) -> usize) {
    let ended = |line: &Vec<&str>| column + 1 < line.len();
    let mut start = 0;
    while start < lines.len() {
        if !ended(&lines[start]) {
            start += 1;
            continue;
        }
        let length = lines[start..].iter().take_while(|line| ended(line)).count();
        let block = start..start + length;
        let width = lines[block.clone()]
            .iter()
            .map(|line| size(line[column]))
            .max()
            .unwrap_or(0);
        widths[block.clone()].iter_mut().for_each(|line| line.push(width));
        measure(&lines[block.clone()], column + 1, &mut widths[block], size);
        start += length;
    }
}

fn write_line(cells: &[&str], widths: &[usize]) -> String {
    let mut out = String::new();
    for (index, cell) in cells.iter().enumerate() {
        out.push_str(cell);
        if let Some(width) = widths.get(index) {
            out.push_str(&" ".repeat(width.saturating_sub(cell.width())));
        }
    }
    out
}
