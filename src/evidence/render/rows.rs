//! The operations of the contract one by one: how often called, what of them was touched, what was wrong.

use super::{Exchange, Report};
use crate::evidence::coverage::{OperationCoverage, PointCoverage};

/// One operation.
pub(super) struct Row<'r> {
    pub(super) operation: &'r OperationCoverage,
    /// Exchanges of it that broke the contract.
    pub(super) broken: Vec<&'r Exchange>,
}

impl<'r> Row<'r> {
    /// How many points were touched, and how many there are.
    pub(super) fn counts(&self) -> (usize, usize) {
        let points = &self.operation.points;
        (points.iter().filter(|point| point.touched).count(), points.len())
    }

    /// What was not touched.
    pub(super) fn untouched(&self) -> impl Iterator<Item = &'r PointCoverage> + use<'r> {
        self.operation.points.iter().filter(|point| !point.touched)
    }

    /// `GET /path`, with the operationId where there is one.
    pub(super) fn title(&self) -> String {
        match &self.operation.operation_id {
            Some(id) => format!("{} ({id})", self.operation.name),
            None => self.operation.name.clone(),
        }
    }
}

/// The operations in the order of the document, and the broken exchanges that are of none of them.
pub(super) fn rows(report: &Report) -> (Vec<Row<'_>>, Vec<&Exchange>) {
    let operations = report.coverage.iter().flat_map(|coverage| &coverage.operations);
    let mut rows: Vec<Row<'_>> = operations.map(|operation| Row { operation, broken: Vec::new() }).collect();
    let mut others = Vec::new();
    for exchange in report.reported.iter() {
        let own = rows.iter_mut().find(|row| exchange.template() == Some(row.operation.name.as_str()));
        match own {
            Some(row) => row.broken.push(exchange),
            None => others.push(exchange),
        }
    }
    (rows, others)
}
