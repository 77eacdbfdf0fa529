//! EXPLAIN: a plan as the tree of operators that will run, in the form of PostgreSQL's text.

use std::sync::Arc;

use super::text::{aggregate_text, distance_operator, expression_text};
use crate::binder::bound::{Expression, SortKey};
use crate::parser::ast::{JoinKind, SetOperator};
use crate::planner::plan::{
    IndexRange, Plan, PlanNode, StatementPlan, StatementPlanKind, TableOutput,
};
use crate::storage::root::Root;
use crate::storage::schema::{IndexDefinition, Schema};
use crate::storage::{IndexId, TableId};

/// The lines of EXPLAIN.
pub fn explain(statement: &StatementPlan, root: &Root) -> Vec<String> {
    let mut printer = Printer { root, lines: Vec::new(), only_table: only_table(statement) };
    match &statement.kind {
        StatementPlanKind::Query { plan, .. } => printer.plan(plan, 0),
        StatementPlanKind::Insert { table, source, .. } => printer.writer("Insert", *table, source),
        StatementPlanKind::Update { table, source, .. } => printer.writer("Update", *table, source),
        StatementPlanKind::Delete { table, source, .. } => printer.writer("Delete", *table, source),
    }
    for (index, plan) in statement.subqueries.iter().enumerate() {
        printer.lines.push(format!("  SubPlan {}", index + 1));
        printer.plan(plan, 4);
    }
    printer.lines
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
        | PlanNode::Limit { input, .. }
        | PlanNode::Aggregate { input, .. }
        | PlanNode::Distinct { input }
        | PlanNode::IndexJoin { outer: input, .. } => vec![input],
        PlanNode::HashJoin { left, right, .. }
        | PlanNode::NestedLoopJoin { left, right, .. }
        | PlanNode::SetOperation { left, right, .. } => vec![left, right],
    }
}

struct Printer<'r> {
    root: &'r Root,
    lines: Vec<String>,
    only_table: Option<Arc<str>>,
}

impl Printer<'_> {
    fn writer(&mut self, verb: &str, table: TableId, source: &Plan) {
        let name = self.schema(table).map_or_else(|| "?".into(), |schema| Arc::clone(&schema.name));
        self.lines.push(format!("{verb} on {name}"));
        self.plan(source, 2);
    }

    fn plan(&mut self, plan: &Plan, indent: usize) {
        let arrow = if indent == 0 { "" } else { "->  " };
        let title = self.title(&plan.node);
        self.lines.push(format!("{:indent$}{arrow}{title}  (rows={:.0})", "", plan.estimated_rows));
        let below = indent + if indent == 0 { 2 } else { 6 };
        for detail in self.details(plan) {
            self.lines.push(format!("{:below$}{detail}", ""));
        }
        for input in inputs(&plan.node) {
            self.plan(input, below);
        }
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

    fn relation(&self, output: &TableOutput) -> String {
        match self.schema(output.table) {
            Some(schema) if schema.name != output.alias => {
                format!("{} {}", schema.name, output.alias)
            }
            _ => output.alias.to_string(),
        }
    }

    fn title(&self, node: &PlanNode) -> String {
        let using = |verb: &str, output: &TableOutput, index: IndexId| {
            format!("{verb} using {} on {}", self.index_name(output, index), self.relation(output))
        };
        match node {
            PlanNode::OneRow => "Result".to_owned(),
            PlanNode::Empty => "Result (no rows)".to_owned(),
            PlanNode::Values { .. } => "Values Scan".to_owned(),
            PlanNode::Scan { output, .. } => format!("Seq Scan on {}", self.relation(output)),
            PlanNode::Seek { output, index, .. } => using("Unique Seek", output, *index),
            PlanNode::IndexScan { output, index, reverse: false, .. } => {
                using("Index Scan", output, *index)
            }
            PlanNode::IndexScan { output, index, .. } => {
                using("Index Scan Backward", output, *index)
            }
            PlanNode::Nearest { output, .. } => {
                format!("Nearest Scan on {}", self.relation(output))
            }
            PlanNode::Filter { .. } => "Filter".to_owned(),
            PlanNode::Project { .. } => "Project".to_owned(),
            PlanNode::Sort { limit: None, .. } => "Sort".to_owned(),
            PlanNode::Sort { .. } => "Top-N Sort".to_owned(),
            PlanNode::Limit { .. } => "Limit".to_owned(),
            PlanNode::HashJoin { kind, .. } => format!("Hash{} Join", join_word(*kind)),
            PlanNode::NestedLoopJoin { kind, .. } => {
                let word = join_word(*kind);
                format!("Nested Loop{word}{}", if word.is_empty() { "" } else { " Join" })
            }
            PlanNode::IndexJoin { kind, output, index, .. } => {
                using(&format!("Index{} Join", join_word(*kind)), output, *index)
            }
            PlanNode::Aggregate { groups, .. } if groups.is_empty() => "Aggregate".to_owned(),
            PlanNode::Aggregate { .. } => "HashAggregate".to_owned(),
            PlanNode::Distinct { .. } => "Distinct".to_owned(),
            PlanNode::SetOperation { operator, all, .. } => set_operation(*operator, *all),
        }
    }

    fn details(&self, plan: &Plan) -> Vec<String> {
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
                details.push(format!("Order By: ({column} {sign} {target})"));
                details.push(format!("Limit: {}", expression_text(limit, &[])));
                if let Some(offset) = offset {
                    details.push(format!("Offset: {}", expression_text(offset, &[])));
                }
            }
            PlanNode::Filter { predicate, .. } => {
                details.push(format!("Filter: {}", parenthesised(predicate, &names)));
            }
            PlanNode::Project { input, expressions } => {
                details.push(format!("Output: {}", list(expressions, &self.names(input))));
            }
            PlanNode::Sort { keys, .. } => {
                details.push(format!("Sort Key: {}", sort_keys(keys, &names)));
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
                details.push(format!("Hash Cond: {}", conjunction(pairs.collect())));
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
                details.push(format!("Index Cond: {}", conjunction(pairs.collect())));
                details.extend(condition("Join Filter", residual.as_ref(), &names));
            }
            PlanNode::NestedLoopJoin { condition: join_filter, .. } => {
                details.extend(condition("Join Filter", join_filter.as_ref(), &names));
            }
            PlanNode::Aggregate { input, groups, aggregates } => {
                let input = self.names(input);
                if !groups.is_empty() {
                    details.push(format!("Group Key: {}", list(groups, &input)));
                }
                let calls: Vec<_> =
                    aggregates.iter().map(|call| aggregate_text(call, &input)).collect();
                if !calls.is_empty() {
                    details.push(format!("Aggregates: {}", calls.join(", ")));
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
    ) -> Option<String> {
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
        (!parts.is_empty()).then(|| format!("Index Cond: {}", conjunction(parts)))
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

fn condition(label: &str, condition: Option<&Expression>, names: &[Arc<str>]) -> Option<String> {
    condition.map(|condition| format!("{label}: {}", parenthesised(condition, names)))
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
