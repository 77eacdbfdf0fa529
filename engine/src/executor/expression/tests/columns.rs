//! Evaluating over a batch equals evaluating each of its rows with the row's values put in.

use proptest::prelude::*;
use smallvec::SmallVec;

use super::{literal, with_context, written};
use crate::binder::bound::{Arithmetic, Comparison, Expression, Function, ScalarFunction};
use crate::executor::expression::{evaluate, evaluate_predicate, evaluate_scalar};
use crate::storage::batch::{Batch, ColumnRef, Selection};
use crate::storage::column::Column;
use crate::types::{DataType, Value};

/// Two columns of each of these make a batch.
const TYPES: [DataType; 8] = [
    DataType::Bool,
    DataType::Int2,
    DataType::Int4,
    DataType::Int8,
    DataType::Float4,
    DataType::Float8,
    DataType::Text,
    DataType::Vector(Some(3)),
];

/// Numbers of the columns of a batch, two of each type.
const COLUMNS: usize = TYPES.len() * 2;

fn values_of(data_type: DataType) -> BoxedStrategy<Value> {
    let integers = || prop_oneof![4 => -3_i64..4, 1 => Just(i64::MIN), 1 => Just(i64::MAX)];
    let floats = || {
        prop_oneof![
            6 => (-6_i32..7).prop_map(|halves| f64::from(halves) / 2.0),
            1 => prop::sample::select(vec![
                -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, 1e-300, 1e38,
            ]),
        ]
    };
    let values = match data_type {
        DataType::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        DataType::Int2 => integers()
            .prop_map(|n| Value::Int2(n.clamp(i16::MIN.into(), i16::MAX.into()) as i16))
            .boxed(),
        DataType::Int4 => integers()
            .prop_map(|n| Value::Int4(n.clamp(i32::MIN.into(), i32::MAX.into()) as i32))
            .boxed(),
        DataType::Int8 => integers().prop_map(Value::Int8).boxed(),
        DataType::Float4 => floats().prop_map(|f| Value::Float4(f as f32)).boxed(),
        DataType::Float8 => floats().prop_map(Value::Float8).boxed(),
        DataType::Vector(_) => prop::collection::vec((-2_i8..3).prop_map(f32::from), 3)
            .prop_map(|elements| super::vector(&elements))
            .boxed(),
        _ => prop_oneof![
            6 => "[aAb é%_\\\\1]{0,4}".prop_map(|text| super::text(&text)),
            1 => Just(super::text(&"long".repeat(100))),
        ]
        .boxed(),
    };
    prop_oneof![5 => values, 1 => Just(Value::Null)].boxed()
}

/// A batch: its columns' values, and which rows are selected.
fn batches() -> impl Strategy<Value = (Vec<Vec<Value>>, Selection)> {
    (1_usize..12).prop_flat_map(|rows| {
        let columns: Vec<_> =
            (0..COLUMNS).map(|id| prop::collection::vec(values_of(TYPES[id / 2]), rows)).collect();
        let selection = prop_oneof![
            Just(Selection::All(rows)),
            (0..rows).prop_map(Selection::All),
            (0..rows as u32).prop_map(Selection::One),
            prop::collection::vec(0..rows as u32, 0..12).prop_map(Selection::Rows),
        ];
        (columns, selection)
    })
}

/// A column, literal or parameter of a type.
fn leaf(data_type: DataType) -> BoxedStrategy<Expression> {
    let kind = TYPES.iter().position(|other| other.same_kind(data_type)).expect("a type of TYPES");
    let column = (0..2_usize)
        .prop_map(move |which| Expression::Column { id: kind * 2 + which, data_type: TYPES[kind] });
    let constant =
        values_of(data_type).prop_map(move |value| Expression::Literal { value, data_type });
    prop_oneof![3 => column, 1 => constant].boxed()
}

fn call(function: Function, data_type: DataType, arguments: Vec<Expression>) -> Expression {
    super::call(function, arguments, data_type)
}

fn comparison() -> impl Strategy<Value = Comparison> {
    prop::sample::select(vec![
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ])
}

/// Expressions of a type, at most `depth` deep.
fn expressions(data_type: DataType, depth: u32) -> BoxedStrategy<Expression> {
    if depth == 0 {
        return leaf(data_type);
    }
    let same = || expressions(data_type, depth - 1);
    let conditions = || expressions(DataType::Bool, depth - 1);
    let case = (conditions(), same(), conditions(), same(), prop::option::of(same())).prop_map(
        move |(first, one, second, two, otherwise)| Expression::Case {
            branches: vec![(first, one), (second, two)],
            otherwise: otherwise.map(Box::new),
            data_type,
        },
    );
    let coalesce = prop::collection::vec(same(), 1..4)
        .prop_map(move |operands| Expression::Coalesce { operands, data_type });
    let picks = (
        prop::sample::select(vec![Function::Greatest, Function::Least, Function::NullIf]),
        same(),
        same(),
    )
        .prop_map(move |(function, left, right)| call(function, data_type, vec![left, right]));
    let own = own_expressions(data_type, depth);
    prop_oneof![1 => leaf(data_type), 4 => own, 1 => case, 1 => coalesce, 1 => picks].boxed()
}

/// What only a type has.
fn own_expressions(data_type: DataType, depth: u32) -> BoxedStrategy<Expression> {
    match data_type {
        DataType::Bool => boolean_expressions(depth),
        DataType::Text => text_expressions(depth),
        DataType::Vector(_) => {
            let operators = vec![Arithmetic::Add, Arithmetic::Subtract, Arithmetic::Multiply];
            arithmetic(data_type, operators, depth)
        }
        _ => numeric_expressions(data_type, depth),
    }
}

fn arithmetic(
    data_type: DataType,
    operators: Vec<Arithmetic>,
    depth: u32,
) -> BoxedStrategy<Expression> {
    let operand = || expressions(data_type, depth - 1);
    (prop::sample::select(operators), operand(), operand())
        .prop_map(move |(operator, left, right)| {
            call(Function::Arithmetic(operator), data_type, vec![left, right])
        })
        .boxed()
}

fn numeric_expressions(data_type: DataType, depth: u32) -> BoxedStrategy<Expression> {
    let mut operators =
        vec![Arithmetic::Add, Arithmetic::Subtract, Arithmetic::Multiply, Arithmetic::Divide];
    if data_type.is_integer() {
        operators.push(Arithmetic::Modulo);
    } else {
        operators.push(Arithmetic::Power);
    }
    let unary =
        (any::<bool>(), expressions(data_type, depth - 1)).prop_map(move |(negate, operand)| {
            let absolute = Function::Scalar(ScalarFunction::Abs);
            call(if negate { Function::Negate } else { absolute }, data_type, vec![operand])
        });
    let numeric = vec![DataType::Int2, DataType::Int4, DataType::Int8, DataType::Float8];
    let cast = prop::sample::select(numeric)
        .prop_flat_map(move |from| expressions(from, depth - 1))
        .prop_map(move |operand| Expression::Cast {
            operand: Box::new(operand),
            target: data_type,
            explicit: true,
        });
    let vectors = || expressions(DataType::Vector(Some(3)), depth - 1);
    let special = match data_type {
        DataType::Float8 => (
            prop::sample::select(vec![
                Function::DistanceEuclidean,
                Function::DistanceInnerProduct,
                Function::DistanceCosine,
                Function::DistanceTaxicab,
                Function::Scalar(ScalarFunction::InnerProduct),
            ]),
            vectors(),
            vectors(),
        )
            .prop_map(move |(function, left, right)| call(function, data_type, vec![left, right]))
            .boxed(),
        DataType::Int4 => expressions(DataType::Text, depth - 1)
            .prop_map(move |operand| {
                call(Function::Scalar(ScalarFunction::Length), data_type, vec![operand])
            })
            .boxed(),
        _ => leaf(data_type),
    };
    prop_oneof![3 => arithmetic(data_type, operators, depth), 1 => unary, 1 => cast, 1 => special]
        .boxed()
}

fn text_expressions(depth: u32) -> BoxedStrategy<Expression> {
    use ScalarFunction::{
        Left, Lower, Repeat, Replace, Reverse, Right, Substring, TrimBoth, Upper,
    };
    let operand = || expressions(DataType::Text, depth - 1);
    let number = || leaf(DataType::Int4);
    let scalar = |function, arguments| call(Function::Scalar(function), DataType::Text, arguments);
    let one = (prop::sample::select(vec![Lower, Upper, Reverse, TrimBoth]), operand())
        .prop_map(move |(function, text)| scalar(function, vec![text]));
    let counted = (prop::sample::select(vec![Left, Right, Substring, Repeat]), operand(), number())
        .prop_map(move |(function, text, count)| scalar(function, vec![text, count]));
    let replaced = (operand(), operand(), operand())
        .prop_map(move |(text, from, to)| scalar(Replace, vec![text, from, to]));
    let joined = (operand(), operand())
        .prop_map(|(left, right)| call(Function::Concatenate, DataType::Text, vec![left, right]));
    let cast = (prop::sample::select(TYPES.to_vec()), any::<bool>())
        .prop_flat_map(move |(from, explicit)| (expressions(from, depth - 1), Just(explicit)))
        .prop_map(|(operand, explicit)| Expression::Cast {
            operand: Box::new(operand),
            target: DataType::Varchar(Some(3)),
            explicit,
        });
    prop_oneof![one, counted, replaced, joined, cast].boxed()
}

fn boolean_expressions(depth: u32) -> BoxedStrategy<Expression> {
    let condition = || expressions(DataType::Bool, depth - 1);
    let any_type = || prop::sample::select(TYPES.to_vec());
    let pairs = move || {
        any_type().prop_flat_map(move |t| (expressions(t, depth - 1), expressions(t, depth - 1)))
    };
    let compared = (comparison(), pairs()).prop_map(|(comparison, (left, right))| {
        call(Function::Compare(comparison), DataType::Bool, vec![left, right])
    });
    let distinct = (any::<bool>(), pairs()).prop_map(|(negated, (left, right))| {
        call(Function::DistinctFrom(negated), DataType::Bool, vec![left, right])
    });
    let connective =
        (any::<bool>(), prop::collection::vec(condition(), 2..4)).prop_map(|(and, operands)| {
            if and { Expression::And(operands) } else { Expression::Or(operands) }
        });
    let not = condition().prop_map(|operand| Expression::Not(Box::new(operand)));
    let is_null = (any::<bool>(), any_type().prop_flat_map(move |t| expressions(t, depth - 1)))
        .prop_map(|(negated, operand)| Expression::IsNull { operand: Box::new(operand), negated });
    let is_boolean =
        (any::<bool>(), any::<bool>(), condition()).prop_map(|(value, negated, operand)| {
            Expression::IsBoolean { operand: Box::new(operand), value, negated }
        });
    let in_list = (any::<bool>(), any_type())
        .prop_flat_map(move |(negated, t)| {
            let list = prop::collection::vec(expressions(t, depth - 1), 1..4);
            (Just(negated), expressions(t, depth - 1), list)
        })
        .prop_map(|(negated, operand, list)| Expression::InList {
            operand: Box::new(operand),
            list,
            negated,
        });
    let text = || expressions(DataType::Text, depth - 1);
    let like = (any::<bool>(), text(), text()).prop_map(|(fold, text, pattern)| {
        let function = if fold { Function::ILike } else { Function::Like };
        call(function, DataType::Bool, vec![text, pattern])
    });
    prop_oneof![
        4 => compared, 1 => distinct, 3 => connective, 1 => not, 1 => is_null, 1 => is_boolean,
        1 => in_list, 1 => like,
    ]
    .boxed()
}

/// The expression with the values of one row in place of columns.
fn put_in(expression: &Expression, row: &dyn Fn(usize) -> Value) -> Expression {
    let one = |inner: &Expression| Box::new(put_in(inner, row));
    let all = |list: &[Expression]| list.iter().map(|inner| put_in(inner, row)).collect::<Vec<_>>();
    match expression.clone() {
        Expression::Column { id, data_type } => Expression::Literal { value: row(id), data_type },
        Expression::Call { function, arguments, data_type } => {
            Expression::Call { function, arguments: all(&arguments), data_type }
        }
        Expression::Cast { operand, target, explicit } => {
            Expression::Cast { operand: one(&operand), target, explicit }
        }
        Expression::And(operands) => Expression::And(all(&operands)),
        Expression::Or(operands) => Expression::Or(all(&operands)),
        Expression::Not(operand) => Expression::Not(one(&operand)),
        Expression::IsNull { operand, negated } => {
            Expression::IsNull { operand: one(&operand), negated }
        }
        Expression::IsBoolean { operand, value, negated } => {
            Expression::IsBoolean { operand: one(&operand), value, negated }
        }
        Expression::InList { operand, list, negated } => {
            Expression::InList { operand: one(&operand), list: all(&list), negated }
        }
        Expression::Case { branches, otherwise, data_type } => Expression::Case {
            branches: branches.iter().map(|(c, v)| (put_in(c, row), put_in(v, row))).collect(),
            otherwise: otherwise.map(|value| one(&value)),
            data_type,
        },
        Expression::Coalesce { operands, data_type } => {
            Expression::Coalesce { operands: all(&operands), data_type }
        }
        other => other,
    }
}

fn batch_of<'a>(columns: &[Vec<Value>], selection: Selection) -> Batch<'a> {
    let columns: SmallVec<[ColumnRef<'a>; 8]> = columns
        .iter()
        .enumerate()
        .map(|(id, values)| {
            let mut column = Column::with_capacity(TYPES[id / 2], values.len());
            for value in values {
                column.push(value.as_ref());
            }
            ColumnRef::owned(column)
        })
        .collect();
    Batch { columns, selection }
}

/// Checks one expression over one batch against its rows.
fn agree(expression: &Expression, columns: &[Vec<Value>], selection: Selection) {
    let batch = batch_of(columns, selection);
    let by_row: Vec<_> = batch
        .selection
        .iter()
        .map(|row| put_in(expression, &|id| columns[id][row].clone()))
        .map(|single| with_context(&[], |context| evaluate_scalar(&single, context)))
        .collect();
    let errors: Vec<String> =
        by_row.iter().cloned().filter_map(Result::err).map(|e| e.to_string()).collect();
    match with_context(&[], |context| evaluate(expression, &batch, context)) {
        Ok(column) => {
            assert_eq!(errors, Vec::<String>::new(), "rows fail, the batch does not");
            assert_eq!(column.len(), batch.len());
            for (place, expected) in by_row.iter().enumerate() {
                let found = column.get(place).to_value();
                assert_eq!(written(Ok(found)), written(expected.clone()), "at {place}");
            }
        }
        Err(error) => assert!(errors.contains(&error.to_string()), "{error}: {errors:?}"),
    }
    if expression.data_type() == DataType::Bool {
        match with_context(&[], |context| evaluate_predicate(expression, &batch, context)) {
            Ok(kept) => {
                let expected: Vec<usize> = (batch.selection.iter().zip(&by_row))
                    .filter(|(_, outcome)| matches!(outcome, Ok(Value::Bool(true))))
                    .map(|(row, _)| row)
                    .collect();
                // A row that fails later than where it turned NULL is rightly left out.
                assert_eq!(kept.iter().collect::<Vec<_>>(), expected);
            }
            Err(error) => assert!(errors.contains(&error.to_string()), "{error}: {errors:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn batches_equal_their_rows(
        expression in prop::sample::select(TYPES.to_vec()).prop_flat_map(|t| expressions(t, 2)),
        (columns, selection) in batches(),
    ) {
        agree(&expression, &columns, selection);
    }

    #[test]
    fn conditions_select_the_rows_where_they_are_true(
        expression in expressions(DataType::Bool, 2),
        (columns, selection) in batches(),
    ) {
        agree(&expression, &columns, selection);
    }
}

#[test]
fn null_rows_never_fail() {
    let id = 2 * 2;
    let columns: Vec<Vec<Value>> = (0..COLUMNS)
        .map(|column| {
            let values = [Value::Null, Value::Int4(2), Value::Int4(0)];
            if column == id { values.to_vec() } else { vec![Value::Null; 3] }
        })
        .collect();
    let column = || Expression::Column { id, data_type: DataType::Int4 };
    let int = |value| literal(Value::Int4(value));
    let divide = |left, right| {
        call(Function::Arithmetic(Arithmetic::Divide), DataType::Int4, vec![left, right])
    };
    let batch = batch_of(&columns, Selection::Rows(vec![1, 0]));
    let found = with_context(&[], |context| {
        let value = divide(int(7), column());
        let column = evaluate(&value, &batch, context).expect("the zero is not selected");
        (column.get(0).to_value(), column.get(1).to_value())
    });
    assert_eq!(found, (Value::Int4(3), Value::Null));

    let batch = batch_of(&columns, Selection::All(3));
    let compare = |comparison, left, right| {
        call(Function::Compare(comparison), DataType::Bool, vec![left, right])
    };
    let guarded = Expression::And(vec![
        compare(Comparison::NotEqual, column(), int(0)),
        compare(Comparison::Greater, divide(int(7), column()), int(1)),
    ]);
    let kept = with_context(&[], |context| evaluate_predicate(&guarded, &batch, context));
    assert_eq!(kept.expect("the guard guards"), Selection::Rows(vec![1]));
    // 0 - the least integer overflows at a NULL's zero alone.
    let least = call(
        Function::Arithmetic(Arithmetic::Subtract),
        DataType::Int4,
        vec![column(), int(i32::MIN)],
    );
    let batch = batch_of(&columns, Selection::One(0));
    let difference = with_context(&[], |context| {
        evaluate(&least, &batch, context).map(|column| column.get(0).to_value())
    });
    assert_eq!(difference, Ok(Value::Null));
}
