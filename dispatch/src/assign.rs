//! Sparse minimum-cost assignment by shortest augmenting paths, with a private "wait" column per row.
#![expect(
    clippy::indexing_slicing,
    reason = "every index was produced from the length of the vector it is used on"
)]

use std::cmp::Reverse;
use std::collections::BinaryHeap;

const NONE: usize = usize::MAX;
const FAR: i64 = i64::MAX / 4;

/// Which column each row gets; `None` means the row waits.
///
/// `edges[row]` lists `(column, cost)`, costs are non-negative and below `wait_cost`'s own scale; a row may always
/// wait at `wait_cost`. The result is a minimum-cost assignment; ties fall the same way every time.
pub(crate) fn assign(edges: &[Vec<(usize, i64)>], columns: usize, wait_cost: i64) -> Vec<Option<usize>> {
    let rows = edges.len();
    let (mut u, mut v) = (vec![0_i64; rows], vec![0_i64; columns]);
    let (mut col_of, mut row_of) = (vec![NONE; rows], vec![NONE; columns]);
    let mut dist = vec![FAR; columns];
    let mut from = vec![NONE; columns];
    let mut done = vec![false; columns];
    let mut touched: Vec<usize> = Vec::new();
    let mut tree: Vec<usize> = Vec::new();
    let mut heap: BinaryHeap<Reverse<(i64, usize)>> = BinaryHeap::new();

    for start in 0..rows {
        heap.clear();
        tree.clear();
        let (mut row, mut reach) = (start, 0_i64);
        // The cheapest way found so far to let some row of the tree wait.
        let mut wait = (FAR, NONE);
        let sink = loop {
            tree.push(row);
            let way = reach + wait_cost - u[row];
            if way < wait.0 {
                wait = (way, row);
            }
            for &(column, cost) in &edges[row] {
                if done[column] {
                    continue;
                }
                let way = reach + cost - u[row] - v[column];
                if way < dist[column] {
                    if dist[column] == FAR {
                        touched.push(column);
                    }
                    dist[column] = way;
                    from[column] = row;
                    heap.push(Reverse((way, column)));
                }
            }
            let next = loop {
                match heap.pop() {
                    Some(Reverse((way, column))) if done[column] || way > dist[column] => {}
                    other => break other,
                }
            };
            match next {
                Some(Reverse((way, column))) if way < wait.0 => {
                    reach = way;
                    done[column] = true;
                    if row_of[column] == NONE {
                        break column;
                    }
                    row = row_of[column];
                }
                _ => {
                    reach = wait.0;
                    break NONE;
                }
            }
        };

        for &row in &tree {
            u[row] += if row == start { reach } else { reach - dist[col_of[row]] };
        }
        for &column in &touched {
            if done[column] {
                v[column] -= reach - dist[column];
            }
        }
        // Walk back from the sink and hand each column over to the row that reached it.
        let (mut column, mut row) =
            if sink == NONE { (std::mem::replace(&mut col_of[wait.1], NONE), wait.1) } else { (sink, NONE) };
        while row != start {
            row = from[column];
            row_of[column] = row;
            std::mem::swap(&mut col_of[row], &mut column);
        }
        for column in touched.drain(..) {
            (dist[column], from[column], done[column]) = (FAR, NONE, false);
        }
    }
    col_of.into_iter().map(|column| (column != NONE).then_some(column)).collect()
}
