//! The tree that EXPLAIN shows.

use std::sync::Arc;

use super::Measured;
use crate::binder::bound::{BoundConflict, Expression, SortKey};
use crate::executor::profile::Figures;
use crate::parser::ast::{JoinKind, SetOperator};
use crate::planner::plan::{
    IndexRange, Plan, PlanNode, StatementPlan, StatementPlanKind, TableOutput,
};
use crate::planner::text::{aggregate_text, distance_operator, expression_text};
use crate::storage::root::Root;
use crate::storage::schema::{IndexDefinition, Schema};
use crate::storage::{IndexId, TableId};

/// One operator as it is shown.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// `Index Scan Backward`.
    pub(super) kind: String,
    /// `t_pkey`.
    pub(super) index: Option<String>,
    /// `t`.
    pub(super) relation: Option<String>,
    /// What the relation goes by, where that is another name.
    pub(super) alias: Option<String>,
    /// `SubPlan 1`.
    pub(super) label: Option<String>,
    /// Rows expected; None for those that write.
    pub(super) expected_rows: Option<f64>,
    /// What it did, in a statement that ran.
    pub(super) actual: Actual,
    /// `Index Cond`, `(id = 1)`.
    pub(super) details: Vec<(&'static str, String)>,
    /// Its inputs.
    pub(super) inputs: Vec<Node>,
}

/// What an operator did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Actual {
    /// Nothing is to be said.
    #[default]
    Unknown,
    /// It never ran.
    NeverRan,
    /// This.
    Did(Figures),
}

/// The tree of a statement.
pub(super) fn tree(
    statement: &StatementPlan,
    root: &Root,
    measured: Option<&Measured<'_>>,
) -> Node {
    let maker = Maker { root, measured, only_table: only_table(statement) };
    let mut top = match &statement.kind {
        StatementPlanKind::Query { plan, .. } => maker.top_of_query(plan),
        StatementPlanKind::Insert { table, source, conflict, .. } => {
            let mut node = maker.writer("Insert", *table, source);
            if let Some(conflict) = conflict {
                node.details = maker.conflict(*table, conflict);
            }
            node
        }
        StatementPlanKind::Update { table, source, .. } => maker.writer("Update", *table, source),
        StatementPlanKind::Delete { table, source, .. } => maker.writer("Delete", *table, source),
    };
    for (index, plan) in statement.subqueries.iter().enumerate() {
        let label = Some(format!("SubPlan {}", index + 1));
        top.inputs.push(Node { label, ..maker.plan(plan) });
    }
    top
}

/// The alias of the table if there is only one: its columns are then shown without it.
fn only_table(statement: &StatementPlan) -> Option<Arc<str>> {
    let (StatementPlanKind::Query { plan, .. }
    | StatementPlanKind::Insert { source: plan, .. }
    | StatementPlanKind::Update { source: plan, .. }
    | StatementPlanKind::Delete { source: plan, .. }) = &statement.kind;
    let mut aliases = Vec::new();
    collect_aliases(plan, &mut aliases);
    for plan in &statement.subqueries {
        collect_aliases(plan, &mut aliases);
    }
    if aliases.len() == 1 { aliases.pop() } else { None }
}

fn collect_aliases(plan: &Plan, aliases: &mut Vec<Arc<str>>) {
    aliases.extend(table_output(&plan.node).map(|output| Arc::clone(&output.alias)));
    for input in inputs(&plan.node) {
        collect_aliases(input, aliases);
    }
}

fn table_output(node: &PlanNode) -> Option<&TableOutput> {
    match node {
        PlanNode::Scan { output, .. }
        | PlanNode::Seek { output, .. }
        | PlanNode::IndexScan { output, .. }
        | PlanNode::Nearest { output, .. }
        | PlanNode::IndexJoin { output, .. } => Some(output),
        _ => None,
    }
}

fn inputs(node: &PlanNode) -> Vec<&Plan> {
    match node {
        PlanNode::OneRow
        | PlanNode::Empty
        | PlanNode::Values { .. }
        | PlanNode::Scan { .. }
        | PlanNode::Seek { .. }
        | PlanNode::IndexScan { .. }
        | PlanNode::Nearest { .. } => Vec::new(),
        PlanNode::Filter { input, .. }
        | PlanNode::Project { input, .. }
        | PlanNode::Sort { input, .. }
        | PlanNode::LockRows { input, .. }
        | PlanNode::Limit { input, .. }
        | PlanNode::Aggregate { input, .. }
        | PlanNode::Distinct { input }
        | PlanNode::IndexJoin { outer: input, .. } => vec![input],
        PlanNode::HashJoin { left, right, .. }
        | PlanNode::NestedLoopJoin { left, right, .. }
        | PlanNode::SetOperation { left, right, .. } => vec![left, right],
    }
}

struct Maker<'r> {
    root: &'r Root,
    measured: Option<&'r Measured<'r>>,
    only_table: Option<Arc<str>>,
}

impl Maker<'_> {
    /// An operator that is run without being built, a seek, has the figures of the whole.
    fn top_of_query(&self, plan: &Plan) -> Node {
        let mut node = self.plan(plan);
        if let (Actual::NeverRan, Some(measured)) = (node.actual, self.measured) {
            node.actual = Actual::Did(measured.figures());
        }
        node
    }

    fn writer(&self, verb: &str, table: TableId, source: &Plan) -> Node {
        let name =
            self.schema(table).map_or_else(|| "?".to_owned(), |schema| schema.name.to_string());
        let mut input = self.plan(source);
        // One literal row goes straight into the table.
        if matches!((&source.node, input.actual), (PlanNode::Values { .. }, Actual::NeverRan)) {
            input.actual = Actual::Unknown;
        }
        let actual =
            self.measured.map_or(Actual::Unknown, |measured| Actual::Did(measured.figures()));
        let (kind, relation) = (verb.to_owned(), Some(name));
        Node { kind, relation, actual, inputs: vec![input], ..Node::default() }
    }

    fn conflict(&self, table: TableId, conflict: &BoundConflict) -> Vec<(&'static str, String)> {
        let action = if conflict.update.is_some() { "UPDATE" } else { "NOTHING" };
        let mut details = vec![("Conflict Resolution", action.to_owned())];
        let Some(schema) = self.schema(table) else { return details };
        let arbiters: Vec<_> =
            conflict.arbiters.iter().filter_map(|id| schema.index(*id)).collect();
        let names: Vec<_> = arbiters.iter().map(|index| &*index.name).collect();
        if !names.is_empty() {
            details.push(("Conflict Arbiter Indexes", names.join(", ")));
        }
        if let Some(filter) = conflict.update.as_ref().and_then(|update| update.filter.as_ref()) {
            let sources = [&*schema.name, "excluded"].into_iter();
            let names: Vec<Arc<str>> = sources
                .flat_map(|source| {
                    let columns = schema.columns.iter();
                    columns.map(move |column| format!("{source}.{}", column.name).into())
                })
                .collect();
            details.push(("Conflict Filter", expression_text(filter, &names)));
        }
        details
    }

    fn plan(&self, plan: &Plan) -> Node {
        let mut node = self.title(&plan.node);
        node.expected_rows = Some(plan.estimated_rows);
        node.actual = match self.measured.map(|measured| measured.profile.figures(plan)) {
            None => Actual::Unknown,
            Some(None) => Actual::NeverRan,
            Some(Some(figures)) => Actual::Did(figures),
        };
        node.details = self.details(plan);
        if let Actual::Did(Figures { whole_table: true, .. }) = node.actual {
            node.details.push(("Read Instead", "the whole table, as the range is long".to_owned()));
        }
        node.inputs = inputs(&plan.node).into_iter().map(|input| self.plan(input)).collect();
        node
    }

    fn schema(&self, table: TableId) -> Option<&Schema> {
        self.root.table(table).map(|table| table.schema().as_ref())
    }

    fn index(&self, output: &TableOutput, index: IndexId) -> Option<&IndexDefinition> {
        self.schema(output.table)?.index(index).map(AsRef::as_ref)
    }

    fn index_name(&self, output: &TableOutput, index: IndexId) -> &str {
        self.index(output, index).map_or("?", |definition| &definition.name)
    }

    /// An operator over a table, by an index if there is one.
    fn access(&self, kind: &str, output: &TableOutput, index: Option<IndexId>) -> Node {
        let name = self.schema(output.table).map_or(&output.alias, |schema| &schema.name);
        let alias = (*name != output.alias).then(|| output.alias.to_string());
        let index = index.map(|index| self.index_name(output, index).to_owned());
        Node {
            kind: kind.to_owned(),
            index,
            relation: Some(name.to_string()),
            alias,
            ..Node::default()
        }
    }

    fn title(&self, node: &PlanNode) -> Node {
        let kind = match node {
            PlanNode::Scan { output, .. } => return self.access("Seq Scan", output, None),
            PlanNode::Seek { output, index, .. } => {
                return self.access("Unique Seek", output, Some(*index));
            }
            PlanNode::IndexScan { output, index, reverse, .. } => {
                let kind = if *reverse { "Index Scan Backward" } else { "Index Scan" };
                return self.access(kind, output, Some(*index));
            }
            PlanNode::Nearest { output, .. } => return self.access("Nearest Scan", output, None),
            PlanNode::IndexJoin { kind, output, index, .. } => {
                return self.access(
                    &format!("Index{} Join", join_word(*kind)),
                    output,
                    Some(*index),
                );
            }
            PlanNode::OneRow => "Result".to_owned(),
            PlanNode::Empty => "Result (no rows)".to_owned(),
            PlanNode::Values { .. } => "Values Scan".to_owned(),
            PlanNode::Filter { .. } => "Filter".to_owned(),
            PlanNode::Project { .. } => "Project".to_owned(),
            PlanNode::Sort { limit: None, .. } => "Sort".to_owned(),
            PlanNode::Sort { .. } => "Top-N Sort".to_owned(),
            PlanNode::LockRows { .. } => "LockRows".to_owned(),
            PlanNode::Limit { .. } => "Limit".to_owned(),
            PlanNode::HashJoin { kind, .. } => format!("Hash{} Join", join_word(*kind)),
            PlanNode::NestedLoopJoin { kind, .. } => {
                let word = join_word(*kind);
                format!("Nested Loop{word}{}", if word.is_empty() { "" } else { " Join" })
            }
            PlanNode::Aggregate { groups, .. } if groups.is_empty() => "Aggregate".to_owned(),
            PlanNode::Aggregate { .. } => "HashAggregate".to_owned(),
            PlanNode::Distinct { .. } => "Distinct".to_owned(),
            PlanNode::SetOperation { operator, all, .. } => set_operation(*operator, *all),
        };
        Node { kind, ..Node::default() }
    }

    fn details(&self, plan: &Plan) -> Vec<(&'static str, String)> {
        let names = self.names(plan);
        let mut details = Vec::new();
        match &plan.node {
            PlanNode::Seek { output, index, key, .. } => {
                let range = IndexRange { equal: key.clone(), ..IndexRange::default() };
                details.extend(self.index_condition(output, *index, &range, &names));
            }
            PlanNode::IndexScan { output, index, range, .. } => {
                details.extend(self.index_condition(output, *index, range, &names));
            }
            PlanNode::Nearest { output, vector, metric, target, limit, offset, .. } => {
                let column = self.column(output, *vector);
                let sign = distance_operator(*metric).unwrap_or("?");
                let target = expression_text(target, &[]);
                details.push(("Order By", format!("({column} {sign} {target})")));
                details.push(("Limit", expression_text(limit, &[])));
                if let Some(offset) = offset {
                    details.push(("Offset", expression_text(offset, &[])));
                }
            }
            PlanNode::Filter { predicate, .. } => {
                details.push(("Filter", parenthesised(predicate, &names)));
            }
            PlanNode::Project { input, expressions } => {
                details.push(("Output", list(expressions, &self.names(input))));
            }
            PlanNode::Sort { keys, .. } => {
                details.push(("Sort Key", sort_keys(keys, &names)));
            }
            PlanNode::HashJoin { left, right, left_keys, right_keys, residual, .. } => {
                let (left, right) = (self.names(left), self.names(right));
                let pairs = left_keys.iter().zip(right_keys).map(|(one, other)| {
                    format!(
                        "({} = {})",
                        expression_text(one, &left),
                        expression_text(other, &right)
                    )
                });
                details.push(("Hash Cond", conjunction(pairs.collect())));
                details.extend(condition("Join Filter", residual.as_ref(), &names));
            }
            PlanNode::IndexJoin { outer, output, index, keys, residual, .. } => {
                let outer = self.names(outer);
                let definition = self.index(output, *index);
                let pairs = keys.iter().enumerate().map(|(place, key)| {
                    let column = definition.map_or_else(
                        || "?".to_owned(),
                        |definition| self.column(output, definition.columns[place].ordinal),
                    );
                    format!("({column} = {})", expression_text(key, &outer))
                });
                details.push(("Index Cond", conjunction(pairs.collect())));
                details.extend(condition("Join Filter", residual.as_ref(), &names));
            }
            PlanNode::NestedLoopJoin { condition: join_filter, .. } => {
                details.extend(condition("Join Filter", join_filter.as_ref(), &names));
            }
            PlanNode::Aggregate { input, groups, aggregates } => {
                let input = self.names(input);
                if !groups.is_empty() {
                    details.push(("Group Key", list(groups, &input)));
                }
                let calls: Vec<_> =
                    aggregates.iter().map(|call| aggregate_text(call, &input)).collect();
                if !calls.is_empty() {
                    details.push(("Aggregates", calls.join(", ")));
                }
            }
            _ => {}
        }
        details.extend(condition("Filter", filter(&plan.node), &names));
        details
    }

    /// Names of the columns of a plan; those of the only table without its alias.
    fn names(&self, plan: &Plan) -> Vec<Arc<str>> {
        let Some(alias) = &self.only_table else { return plan.names.clone() };
        let prefix = format!("{alias}.");
        let strip = |name: &Arc<str>| -> Arc<str> {
            let name = name.strip_prefix(prefix.as_str()).unwrap_or(name);
            let inner = [("(", format!("({prefix}")), (" ", format!(" {prefix}"))];
            inner.iter().fold(name.to_owned(), |name, (to, from)| name.replace(from, to)).into()
        };
        plan.names.iter().map(strip).collect()
    }

    /// A stored column as the conditions of an index show it.
    fn column(&self, output: &TableOutput, ordinal: usize) -> String {
        let Some(schema) = self.schema(output.table) else { return "?".to_owned() };
        let name = &schema.columns[ordinal].name;
        if self.only_table.is_some() {
            name.to_string()
        } else {
            format!("{}.{name}", output.alias)
        }
    }

    fn index_condition(
        &self,
        output: &TableOutput,
        index: IndexId,
        range: &IndexRange,
        names: &[Arc<str>],
    ) -> Option<(&'static str, String)> {
        let definition = self.index(output, index)?;
        let mut columns =
            definition.columns.iter().map(|column| self.column(output, column.ordinal));
        let mut parts: Vec<_> = range
            .equal
            .iter()
            .zip(&mut columns)
            .map(|(value, column)| format!("({column} = {})", expression_text(value, names)))
            .collect();
        if let Some(column) = columns.next() {
            let bounds = [(&range.lower, ">"), (&range.upper, "<")];
            for (bound, sign) in bounds {
                if let Some((value, included)) = bound {
                    let equal = if *included { "=" } else { "" };
                    let value = expression_text(value, names);
                    parts.push(format!("({column} {sign}{equal} {value})"));
                }
            }
        }
        (!parts.is_empty()).then(|| ("Index Cond", conjunction(parts)))
    }
}

fn filter(node: &PlanNode) -> Option<&Expression> {
    match node {
        PlanNode::Scan { filter, .. }
        | PlanNode::Seek { filter, .. }
        | PlanNode::IndexScan { filter, .. }
        | PlanNode::Nearest { filter, .. } => filter.as_ref(),
        _ => None,
    }
}

fn condition(
    label: &'static str,
    condition: Option<&Expression>,
    names: &[Arc<str>],
) -> Option<(&'static str, String)> {
    condition.map(|condition| (label, parenthesised(condition, names)))
}

fn parenthesised(expression: &Expression, names: &[Arc<str>]) -> String {
    let text = expression_text(expression, names);
    if text.starts_with('(') { text } else { format!("({text})") }
}

fn conjunction(mut parts: Vec<String>) -> String {
    if parts.len() == 1 { parts.remove(0) } else { format!("({})", parts.join(" AND ")) }
}

fn list(expressions: &[Expression], names: &[Arc<str>]) -> String {
    let texts: Vec<_> =
        expressions.iter().map(|expression| expression_text(expression, names)).collect();
    texts.join(", ")
}

fn sort_keys(keys: &[SortKey], names: &[Arc<str>]) -> String {
    let texts: Vec<_> = keys
        .iter()
        .map(|key| {
            let text = expression_text(&key.expression, names);
            let direction = if key.descending { " DESC" } else { "" };
            let nulls = match (key.descending, key.nulls_first) {
                (false, true) => " NULLS FIRST",
                (true, false) => " NULLS LAST",
                _ => "",
            };
            format!("{text}{direction}{nulls}")
        })
        .collect();
    texts.join(", ")
}

fn join_word(kind: JoinKind) -> &'static str {
    match kind {
        JoinKind::Inner | JoinKind::Cross => "",
        JoinKind::Left => " Left",
        JoinKind::Right => " Right",
        JoinKind::Full => " Full",
    }
}

fn set_operation(operator: SetOperator, all: bool) -> String {
    let name = match (operator, all) {
        (SetOperator::Union, true) => return "Append".to_owned(),
        (SetOperator::Union, false) => return "HashSetOp Union".to_owned(),
        (SetOperator::Intersect, _) => "HashSetOp Intersect",
        (SetOperator::Except, _) => "HashSetOp Except",
    };
    format!("{name}{}", if all { " All" } else { "" })
}
