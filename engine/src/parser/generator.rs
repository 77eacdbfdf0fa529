//! Random trees for the property tests: such as the parser can build, no others.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::ast::*;
use crate::types::{DataType, Position};

pub(super) const HERE: Position = Position::UNKNOWN;

/// Any statement.
pub(super) fn statement() -> impl Strategy<Value = Statement> {
    let plain = prop_oneof![
        4 => query().prop_map(|query| Statement::Query(Box::new(query))),
        2 => insert().prop_map(|insert| Statement::Insert(Box::new(insert))),
        2 => update(),
        2 => delete(),
    ];
    let explained = (explain_options(), plain.clone()).prop_map(|(options, statement)| {
        Statement::Explain(Explain { options, statement: Box::new(statement) })
    });
    prop_oneof![8 => plain, 1 => explained, 3 => super::generator_definition::definition(), 3 => control()]
}

fn explain_options() -> impl Strategy<Value = ExplainOptions> {
    let some = (any::<[bool; 4]>(), option::of(any::<bool>())).prop_map(|(flags, summary)| {
        let [analyze, costs, timing, json] = flags;
        let format = if json { ExplainFormat::Json } else { ExplainFormat::Text };
        ExplainOptions { analyze, costs, timing, summary, format }
    });
    prop_oneof![1 => Just(ExplainOptions::default()), 1 => some]
}

pub(super) fn name() -> BoxedStrategy<Identifier> {
    prop_oneof![
        6 => "[a-d][a-c_0-9]{0,2}",
        1 => "[a-c\"A ß.$]{1,4}",
        2 => proptest::sample::select(vec![
            "select", "left", "values", "year", "name", "double", "operator", "set", "int",
            "rollup", "position", "coalesce", "user", "exclude", "nulls", "over", "text",
        ]).prop_map(str::to_owned),
    ]
    .prop_map(|name| Identifier { name, position: HERE })
    .boxed()
}

pub(super) fn object() -> impl Strategy<Value = ObjectName> + Clone {
    (option::weighted(0.2, name()), name()).prop_map(|(schema, name)| ObjectName { schema, name })
}

pub(super) fn data_type() -> impl Strategy<Value = TypeName> {
    prop_oneof![
        proptest::sample::select(vec![
            DataType::Bool,
            DataType::Int2,
            DataType::Int4,
            DataType::Int8,
            DataType::Float4,
            DataType::Float8,
            DataType::Text,
            DataType::Date,
            DataType::Time,
            DataType::Timestamp,
            DataType::TimestampTz,
            DataType::Interval,
        ]),
        option::of(1_u32..100).prop_map(DataType::Varchar),
        option::of(1_u16..100).prop_map(DataType::Vector),
    ]
    .prop_map(|data_type| TypeName { data_type, position: HERE })
}

fn number() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,11}|[0-9]{0,3}\\.[0-9]{1,3}|[0-9]\\.|[1-9]e[-+]?[0-9]{1,2})"
}

fn wrap(kind: ExpressionKind) -> Expression {
    Expression { kind, position: HERE }
}

fn leaf() -> impl Strategy<Value = ExpressionKind> {
    prop_oneof![
        Just(ExpressionKind::Null),
        any::<bool>().prop_map(ExpressionKind::Boolean),
        number().prop_map(ExpressionKind::Number),
        "[a'\\\\\"\n$é;-]{0,5}".prop_map(ExpressionKind::String),
        vec(number(), 1..4).prop_map(ExpressionKind::Vector),
        (1_u32..100).prop_map(ExpressionKind::Parameter),
        (option::of(object()), name())
            .prop_map(|(table, column)| ExpressionKind::Column { table, column }),
    ]
}

/// Any expression, with subqueries.
pub(super) fn expression() -> BoxedStrategy<Expression> {
    leaf()
        .prop_map(wrap)
        .prop_recursive(5, 40, 3, |inner| {
            prop_oneof![
                3 => compound(&inner.clone().boxed()),
                1 => special(inner.clone().boxed()),
                1 => subquery(&inner.boxed()),
            ]
            .prop_map(wrap)
        })
        .boxed()
}

fn boxed(inner: &BoxedStrategy<Expression>) -> impl Strategy<Value = Box<Expression>> + use<> {
    inner.clone().prop_map(Box::new)
}

fn binary_operator() -> impl Strategy<Value = BinaryOperator> {
    proptest::sample::select(vec![
        BinaryOperator::Equal,
        BinaryOperator::NotEqual,
        BinaryOperator::Less,
        BinaryOperator::LessOrEqual,
        BinaryOperator::Greater,
        BinaryOperator::GreaterOrEqual,
        BinaryOperator::Add,
        BinaryOperator::Subtract,
        BinaryOperator::Multiply,
        BinaryOperator::Divide,
        BinaryOperator::Modulo,
        BinaryOperator::Power,
        BinaryOperator::Concatenate,
        BinaryOperator::DistanceEuclidean,
        BinaryOperator::DistanceInnerProduct,
        BinaryOperator::DistanceCosine,
        BinaryOperator::DistanceTaxicab,
    ])
}

fn compound(inner: &BoxedStrategy<Expression>) -> impl Strategy<Value = ExpressionKind> + use<> {
    let unary = proptest::sample::select(vec![
        UnaryOperator::Not,
        UnaryOperator::Minus,
        UnaryOperator::Plus,
    ]);
    let test =
        proptest::sample::select(vec![IsTest::Null, IsTest::True, IsTest::False, IsTest::Unknown]);
    prop_oneof![
        (unary, boxed(inner)).prop_map(|(operator, operand)| {
            // The parser makes a minus before a number the number's sign.
            let folds = matches!(operand.kind, ExpressionKind::Number(_));
            let operator = if folds { UnaryOperator::Plus } else { operator };
            ExpressionKind::Unary { operator, operand }
        }),
        (binary_operator(), boxed(inner), boxed(inner)).prop_map(|(operator, left, right)| {
            ExpressionKind::Binary { operator, left, right }
        }),
        vec(inner.clone(), 2..4).prop_map(ExpressionKind::And),
        vec(inner.clone(), 2..4).prop_map(ExpressionKind::Or),
        (boxed(inner), test, any::<bool>())
            .prop_map(|(operand, test, negated)| ExpressionKind::Is { operand, test, negated }),
        (boxed(inner), boxed(inner), any::<bool>()).prop_map(|(left, right, negated)| {
            ExpressionKind::IsDistinctFrom { left, right, negated }
        }),
        (boxed(inner), data_type())
            .prop_map(|(operand, target)| ExpressionKind::Cast { operand, target }),
    ]
}

fn special(inner: BoxedStrategy<Expression>) -> impl Strategy<Value = ExpressionKind> {
    prop_oneof![
        (boxed(&inner), boxed(&inner), boxed(&inner), any::<bool>(), any::<bool>()).prop_map(
            |(operand, low, high, symmetric, negated)| ExpressionKind::Between {
                operand,
                low,
                high,
                symmetric,
                negated
            }
        ),
        (boxed(&inner), boxed(&inner), option::of(boxed(&inner)), any::<bool>(), any::<bool>())
            .prop_map(|(operand, pattern, escape, case_insensitive, negated)| {
                ExpressionKind::Like { operand, pattern, escape, case_insensitive, negated }
            }),
        (boxed(&inner), vec(inner.clone(), 1..4), any::<bool>()).prop_filter_map(
            "one subquery in a list is IN (SELECT)",
            |(operand, list, negated)| {
                let subquery = matches!(
                    list.as_slice(),
                    [Expression { kind: ExpressionKind::ScalarSubquery(_), .. }]
                );
                (!subquery).then_some(ExpressionKind::InList { operand, list, negated })
            }
        ),
        (
            option::of(boxed(&inner)),
            vec((inner.clone(), inner.clone()), 1..3),
            option::of(boxed(&inner))
        )
            .prop_map(|(operand, branches, otherwise)| ExpressionKind::Case {
                operand,
                branches,
                otherwise
            }),
        (name(), vec(inner, 0..4), any::<bool>()).prop_map(|(name, arguments, distinct)| {
            let special = matches!(name.name.as_str(), "coalesce");
            let (distinct, star) = match (arguments.is_empty(), special) {
                (true, false) => (false, distinct),
                (true, true) => (false, true),
                (false, _) => (distinct && !special, false),
            };
            // COALESCE(*) is none of the grammar's; any other name will do.
            let name = if special && star {
                Identifier { name: "count".to_owned(), position: HERE }
            } else {
                name
            };
            ExpressionKind::Function(Box::new(FunctionCall { name, arguments, star, distinct }))
        }),
    ]
}

fn subquery(inner: &BoxedStrategy<Expression>) -> impl Strategy<Value = ExpressionKind> + use<> {
    let query = query_of(inner.clone()).prop_map(Box::new).boxed();
    prop_oneof![
        query.clone().prop_map(ExpressionKind::ScalarSubquery),
        query.clone().prop_map(ExpressionKind::Exists),
        (boxed(inner), query, any::<bool>()).prop_map(|(operand, query, negated)| {
            ExpressionKind::InSubquery { operand, query, negated }
        }),
    ]
}

fn query() -> impl Strategy<Value = Query> + Clone {
    query_of(expression())
}

fn query_of(inner: BoxedStrategy<Expression>) -> BoxedStrategy<Query> {
    let whole = (
        body(inner.clone()),
        vec(order_item(inner.clone()), 0..3),
        option::of(inner.clone()),
        option::of(inner),
    );
    whole
        .prop_map(|(body, order_by, limit, offset)| match body {
            QueryBody::Nested(query)
                if order_by.is_empty() && limit.is_none() && offset.is_none() =>
            {
                *query
            }
            body => Query { body, order_by, limit, offset, locking: Vec::new() },
        })
        .boxed()
}

fn order_item(inner: BoxedStrategy<Expression>) -> impl Strategy<Value = OrderItem> {
    (inner, any::<bool>(), option::of(any::<bool>())).prop_map(
        |(expression, descending, nulls_first)| OrderItem { expression, descending, nulls_first },
    )
}

fn plain_query(body: QueryBody) -> Query {
    Query { body, order_by: Vec::new(), limit: None, offset: None, locking: Vec::new() }
}

fn body(inner: BoxedStrategy<Expression>) -> impl Strategy<Value = QueryBody> {
    let values = (1_usize..3)
        .prop_flat_map({
            let inner = inner.clone();
            move |width| vec(vec(inner.clone(), width), 1..3)
        })
        .prop_map(|rows| QueryBody::Values(Values { rows, position: HERE }));
    let leaf = prop_oneof![select(inner), values].boxed();
    leaf.prop_recursive(2, 6, 2, |operand| {
        let nested = operand.clone().prop_map(|body| match body {
            QueryBody::Nested(query) => QueryBody::Nested(query),
            body => QueryBody::Nested(Box::new(plain_query(body))),
        });
        let operators = proptest::sample::select(vec![
            SetOperator::Union,
            SetOperator::Intersect,
            SetOperator::Except,
        ]);
        (operators, any::<bool>(), nested.clone(), nested).prop_map(
            |(operator, all, left, right)| QueryBody::SetOperation {
                operator,
                all,
                left: Box::new(left),
                right: Box::new(right),
                position: HERE,
            },
        )
    })
}

fn select(inner: BoxedStrategy<Expression>) -> impl Strategy<Value = QueryBody> {
    let parts = (
        any::<bool>(),
        vec(select_item(inner.clone()), 0..3),
        vec(table(inner.clone()), 0..3),
        option::of(inner.clone()),
        vec(inner.clone(), 0..2),
        option::weighted(0.2, inner),
    );
    parts.prop_map(|(distinct, items, from, filter, group_by, having)| {
        let distinct = distinct && !items.is_empty();
        let select = Select { distinct, items, from, filter, group_by, having, position: HERE };
        QueryBody::Select(Box::new(select))
    })
}

fn select_item(inner: BoxedStrategy<Expression>) -> impl Strategy<Value = SelectItem> + Clone {
    prop_oneof![
        1 => Just(SelectItem::Wildcard(HERE)),
        1 => object().prop_map(SelectItem::TableWildcard),
        4 => (inner, option::of(name()))
            .prop_map(|(expression, alias)| SelectItem::Expression { expression, alias }),
    ]
}

fn table_alias() -> impl Strategy<Value = TableAlias> {
    (name(), vec(name(), 0..3)).prop_map(|(name, columns)| TableAlias { name, columns })
}

fn table(inner: BoxedStrategy<Expression>) -> impl Strategy<Value = TableReference> {
    let plain = (object(), option::of(table_alias()))
        .prop_map(|(name, alias)| TableReference::Table { name, alias });
    let derived = (inner.clone(), table_alias()).prop_map(|(expression, alias)| {
        let query =
            plain_query(QueryBody::Values(Values { rows: vec![vec![expression]], position: HERE }));
        TableReference::Derived { query: Box::new(query), alias, position: HERE }
    });
    prop_oneof![3 => plain, 1 => derived].prop_recursive(2, 4, 2, move |side| {
        let kind = proptest::sample::select(vec![
            JoinKind::Inner,
            JoinKind::Left,
            JoinKind::Right,
            JoinKind::Full,
            JoinKind::Cross,
        ]);
        let constraint = prop_oneof![
            inner.clone().prop_map(JoinConstraint::On),
            vec(name(), 1..3).prop_map(JoinConstraint::Using),
            Just(JoinConstraint::Natural),
        ];
        (kind, side.clone(), side, constraint).prop_map(|(kind, left, right, constraint)| {
            let constraint =
                if kind == JoinKind::Cross { JoinConstraint::None } else { constraint };
            let (left, right) = (Box::new(left), Box::new(right));
            TableReference::Join { kind, left, right, constraint, position: HERE }
        })
    })
}

fn insert() -> impl Strategy<Value = Insert> + Clone {
    let source = prop_oneof![
        1 => Just(InsertSource::Default),
        4 => query().prop_map(|query| InsertSource::Query(Box::new(query))),
    ];
    let returning = vec(select_item(expression()), 0..2);
    let on_conflict = option::weighted(0.3, on_conflict());
    let overriding = proptest::sample::select(vec![Overriding::System, Overriding::User]);
    let target = (object(), option::of(name()), vec(name(), 0..3));
    (target, option::weighted(0.2, overriding), source, on_conflict, returning).prop_map(
        |((table, alias, columns), overriding, source, on_conflict, returning)| {
            // OVERRIDING stands before VALUES or a query only.
            let overriding =
                if matches!(source, InsertSource::Default) { None } else { overriding };
            let columns =
                if matches!(source, InsertSource::Default) { Vec::new() } else { columns };
            Insert { table, alias, columns, overriding, source, on_conflict, returning }
        },
    )
}

fn on_conflict() -> impl Strategy<Value = OnConflict> + Clone {
    let columns = (vec(name(), 1..3), option::of(expression()))
        .prop_map(|(columns, filter)| ConflictTarget::Columns { columns, filter });
    let target = prop_oneof![2 => columns, 1 => name().prop_map(ConflictTarget::Constraint)];
    let assignment = (name(), value()).prop_map(|(column, value)| Assignment { column, value });
    let update = (vec(assignment, 1..3), option::of(expression()))
        .prop_map(|(assignments, filter)| ConflictUpdate { assignments, filter });
    (option::of(target), option::of(update)).prop_map(|(target, update)| OnConflict {
        target,
        update,
        position: HERE,
    })
}

fn value() -> impl Strategy<Value = Expression> + Clone {
    prop_oneof![4 => expression(), 1 => Just(wrap(ExpressionKind::Default))]
}

fn update() -> impl Strategy<Value = Statement> + Clone {
    let assignment = (name(), value()).prop_map(|(column, value)| Assignment { column, value });
    let returning = vec(select_item(expression()), 0..2);
    (object(), option::of(name()), vec(assignment, 1..3), option::of(expression()), returning)
        .prop_map(|(table, alias, assignments, filter, returning)| {
            Statement::Update(Box::new(Update { table, alias, assignments, filter, returning }))
        })
}

fn delete() -> impl Strategy<Value = Statement> + Clone {
    let returning = vec(select_item(expression()), 0..2);
    (object(), option::of(name()), option::of(expression()), returning).prop_map(
        |(table, alias, filter, returning)| {
            Statement::Delete(Box::new(Delete { table, alias, filter, returning }))
        },
    )
}

fn control() -> impl Strategy<Value = Statement> {
    let level = proptest::sample::select(vec![
        IsolationLevel::ReadUncommitted,
        IsolationLevel::ReadCommitted,
        IsolationLevel::RepeatableRead,
        IsolationLevel::Serializable,
    ]);
    let modes = (option::of(level), option::of(any::<bool>()), option::of(any::<bool>())).prop_map(
        |(isolation, read_only, deferrable)| TransactionModes {
            isolation,
            read_only,
            deferrable,
            position: HERE,
        },
    );
    let some_modes = modes.clone().prop_map(|modes| TransactionModes {
        isolation: modes.isolation.or(Some(IsolationLevel::RepeatableRead)),
        ..modes
    });
    let set = (any::<bool>(), name(), option::of(vec("[a-z'0-9 ]{0,4}", 1..3)))
        .prop_map(|(local, name, value)| Statement::Set(SetVariable { local, name, value }));
    prop_oneof![
        modes.prop_map(Statement::Begin),
        Just(Statement::Commit),
        Just(Statement::Rollback),
        Just(Statement::CommitAndChain),
        Just(Statement::RollbackAndChain),
        name().prop_map(Statement::Savepoint),
        name().prop_map(Statement::ReleaseSavepoint),
        name().prop_map(Statement::RollbackToSavepoint),
        some_modes.clone().prop_map(Statement::SetTransaction),
        some_modes.prop_map(Statement::SetSessionCharacteristics),
        set,
        option::of(name()).prop_map(Statement::Show),
        option::of(name()).prop_map(Statement::Reset),
        Just(Statement::Discard(Discard::All)),
        Just(Statement::Discard(Discard::Sequences)),
        (vec(object(), 0..3), any::<bool>()).prop_map(|(names, deferred)| {
            Statement::SetConstraints(SetConstraints { names, deferred })
        }),
        Just(Statement::Checkpoint),
    ]
}
