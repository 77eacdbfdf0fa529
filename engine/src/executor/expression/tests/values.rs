//! Single values against what PostgreSQL 15 answers.

use super::{call, literal, scalar, text, vector, with_context, written};
use crate::binder::bound::{Arithmetic, Comparison, Expression, Function, ScalarFunction};
use crate::executor::expression::evaluate_scalar;
use crate::types::{DataType, Value};

fn outcome(expression: &Expression) -> String {
    with_context(&[], |context| written(evaluate_scalar(expression, context)))
}

#[test]
fn arithmetic_as_in_postgresql() {
    use Arithmetic::{Add, Divide, Modulo, Multiply, Power, Subtract};
    use Value::{Float4, Float8, Int2, Int4, Int8};
    let overflow = "22003: value out of range: overflow";
    let underflow = "22003: value out of range: underflow";
    let zero = "22012: division by zero";
    let cases = [
        (Add, Int2(32_767), Int2(1), "22003: smallint out of range"),
        (Add, Int4(i32::MAX), Int4(1), "22003: integer out of range"),
        (Add, Int8(i64::MAX), Int8(1), "22003: bigint out of range"),
        (Subtract, Int4(-2), Int4(i32::MAX), "22003: integer out of range"),
        (Multiply, Int8(1 << 40), Int8(1 << 40), "22003: bigint out of range"),
        (Divide, Int4(i32::MIN), Int4(-1), "22003: integer out of range"),
        (Divide, Int2(i16::MIN), Int2(-1), "22003: smallint out of range"),
        (Divide, Int8(i64::MIN), Int8(-1), "22003: bigint out of range"),
        (Modulo, Int4(i32::MIN), Int4(-1), "0"),
        (Modulo, Int4(-5), Int4(3), "-2"),
        (Modulo, Int4(5), Int4(-3), "2"),
        (Divide, Int4(-7), Int4(2), "-3"),
        (Modulo, Int4(5), Int4(0), zero),
        (Modulo, Float8(-5.5), Float8(2.0), "-1.5"),
        (Modulo, Float8(5.5), Float8(f64::INFINITY), "5.5"),
        (Modulo, Float8(f64::INFINITY), Float8(2.0), "NaN"),
        (Modulo, Float8(1.0), Float8(0.0), zero),
        (Divide, Float8(1.0), Float8(0.0), zero),
        (Divide, Float8(0.0), Float8(0.0), zero),
        (Divide, Float8(f64::NAN), Float8(0.0), "NaN"),
        (Divide, Float4(f32::NAN), Float4(0.0), "NaN"),
        (Multiply, Float8(1e308), Float8(10.0), overflow),
        (Add, Float8(1e308), Float8(1e308), overflow),
        (Multiply, Float4(1e38), Float4(10.0), overflow),
        (Multiply, Float8(1e-308), Float8(1e-100), underflow),
        (Divide, Float8(1e-308), Float8(1e100), underflow),
        (Divide, Float4(1e-38), Float4(1e38), underflow),
        (Divide, Float8(1.0), Float8(1e-320), overflow),
        (Multiply, Float8(f64::INFINITY), Float8(0.0), "NaN"),
        (Divide, Float8(1.0), Float8(f64::INFINITY), "0"),
        (Subtract, Float8(f64::INFINITY), Float8(f64::INFINITY), "NaN"),
        (Power, Float8(2.0), Float8(3.0), "8"),
        (Add, Int4(1), Value::Null, "NULL"),
        (Add, vector(&[1.0, 2.0]), vector(&[0.5, -2.0]), "[1.5,0]"),
        (Multiply, vector(&[3e38]), vector(&[3e38]), overflow),
        (
            Subtract,
            vector(&[1.0, 2.0, 3.0]),
            vector(&[1.0, 2.0]),
            "22000: different vector dimensions 3 and 2",
        ),
    ];
    for (operator, left, right, expected) in cases {
        let shown = format!("{left:?} {operator:?} {right:?}");
        let data_type = super::type_of(&left);
        let arguments = vec![literal(left), literal(right)];
        let expression = call(Function::Arithmetic(operator), arguments, data_type);
        assert_eq!(outcome(&expression), expected, "{shown}");
    }
}

#[test]
fn numeric_functions_as_in_postgresql() {
    use ScalarFunction::{
        Abs, Ceil, Exp, Floor, Ln, Log10, Mod, Pi, Power, Round, Sign, Sqrt, Trunc,
    };
    let f = Value::Float8;
    let power_error = "2201F: zero raised to a negative power is undefined";
    let complex = "2201F: a negative number raised to a non-integer power yields a complex result";
    let overflow = "22003: value out of range: overflow";
    let underflow = "22003: value out of range: underflow";
    let infinity = f64::INFINITY;
    let cases = [
        (Abs, vec![Value::Int4(i32::MIN)], "22003: integer out of range"),
        (Abs, vec![Value::Int2(i16::MIN)], "22003: smallint out of range"),
        (Abs, vec![Value::Int8(i64::MIN)], "22003: bigint out of range"),
        (Abs, vec![Value::Int8(-5)], "5"),
        (Abs, vec![f(-0.0)], "0"),
        (Mod, vec![Value::Int8(5), Value::Int8(0)], "22012: division by zero"),
        (Mod, vec![f(5.5), f(-2.0)], "1.5"),
        (Power, vec![f(0.0), f(-1.0)], power_error),
        (Power, vec![f(0.0), f(-infinity)], power_error),
        (Power, vec![f(-1.0), f(0.5)], complex),
        (Power, vec![f(-infinity), f(0.5)], complex),
        (Power, vec![f(2.0), f(10_000.0)], overflow),
        (Power, vec![f(2.0), f(-10_000.0)], underflow),
        (Power, vec![f(f64::NAN), f(0.0)], "1"),
        (Power, vec![f(1.0), f(f64::NAN)], "1"),
        (Power, vec![f(-infinity), f(-3.0)], "-0"),
        (Power, vec![f(-1.0), f(infinity)], "1"),
        (Power, vec![f(-0.5), f(-infinity)], "Infinity"),
        (Sqrt, vec![f(-1.0)], "2201F: cannot take square root of a negative number"),
        (Sqrt, vec![f(-0.0)], "-0"),
        (Ln, vec![f(0.0)], "2201E: cannot take logarithm of zero"),
        (Ln, vec![f(-1.0)], "2201E: cannot take logarithm of a negative number"),
        (Ln, vec![f(infinity)], "Infinity"),
        (Log10, vec![f(1000.0)], "3"),
        (Exp, vec![f(1000.0)], overflow),
        (Exp, vec![f(-1000.0)], underflow),
        (Exp, vec![f(-infinity)], "0"),
        (Round, vec![f(2.5)], "2"),
        (Round, vec![f(-0.3)], "-0"),
        (Round, vec![f(2.345), Value::Int4(2)], "2.35"),
        (Round, vec![f(1234.5), Value::Int4(-2)], "1200"),
        (Round, vec![f(-2.5), Value::Int4(0)], "-3"),
        (Round, vec![f(-15.0), Value::Int4(-1)], "-20"),
        (Round, vec![f(0.5), Value::Int4(-1)], "0"),
        (Round, vec![f(99.96), Value::Int4(1)], "100"),
        (Round, vec![f(2.0), Value::Int4(400)], "2"),
        (Round, vec![f(f64::NAN), Value::Int4(2)], "NaN"),
        (Ceil, vec![f(-0.5)], "-0"),
        (Floor, vec![f(f64::NAN)], "NaN"),
        (Trunc, vec![f(-1.7)], "-1"),
        (Sign, vec![f(-0.0)], "0"),
        (Sign, vec![f(-3.0)], "-1"),
        (Pi, vec![], "3.141592653589793"),
        (Sqrt, vec![Value::Null], "NULL"),
    ];
    for (function, arguments, expected) in cases {
        let data_type = match arguments.first() {
            Some(first) if !first.is_null() => super::type_of(first),
            _ => DataType::Float8,
        };
        let shown = format!("{function:?} {arguments:?}");
        assert_eq!(outcome(&scalar(function, data_type, arguments)), expected, "{shown}");
    }
    let negated = call(Function::Negate, vec![literal(Value::Int4(i32::MIN))], DataType::Int4);
    assert_eq!(outcome(&negated), "22003: integer out of range");
}

#[test]
fn text_functions_as_in_postgresql() {
    use ScalarFunction as S;
    let n = Value::Int4;
    let t = text;
    let cases = [
        (S::Substring, vec![t("hello"), n(2), n(3)], "ell"),
        (
            S::Substring,
            vec![t("hello"), n(2), n(-1)],
            "22011: negative substring length not allowed",
        ),
        (S::Left, vec![t("hello"), n(-2)], "hel"),
        (S::Right, vec![t("hello"), n(-2)], "llo"),
        (S::PadLeft, vec![t("hi"), n(5), t("xy")], "xyxhi"),
        (S::PadLeft, vec![t("hi"), n(1)], "h"),
        (S::PadLeft, vec![t("hi"), n(5), t("")], "hi"),
        (S::PadLeft, vec![t("hi"), n(-1)], ""),
        (S::PadRight, vec![t("hi"), n(5), t("xy")], "hixyx"),
        (S::PadRight, vec![t("hi"), n(5)], "hi   "),
        (S::PadLeft, vec![t("hi"), n(i32::MAX)], "54000: requested length too large"),
        (S::Repeat, vec![t("ab"), n(3)], "ababab"),
        (S::Repeat, vec![t("ab"), n(-1)], ""),
        (S::Repeat, vec![t(""), n(i32::MAX)], ""),
        (S::Repeat, vec![t("ab"), n(2_000_000_000)], "54000: requested length too large"),
        (S::TrimBoth, vec![t("xxabcxx"), t("x")], "abc"),
        (S::TrimLeft, vec![t("  a ")], "a "),
        (S::TrimLeft, vec![t("\t a")], "\t a"),
        (S::TrimBoth, vec![t("abc"), t("")], "abc"),
        (S::Replace, vec![t("aaa"), t("a"), t("bb")], "bbbbbb"),
        (S::Replace, vec![t("abc"), t(""), t("x")], "abc"),
        (S::StringPosition, vec![t("héllo"), t("l")], "3"),
        (S::StringPosition, vec![t("hello"), t("")], "1"),
        (S::StringPosition, vec![t(""), t("a")], "0"),
        (S::Reverse, vec![t("héllo")], "olléh"),
        (S::SplitPart, vec![t("a,b,c"), t(","), n(-1)], "c"),
        (S::StartsWith, vec![t("hello"), t("he")], "t"),
        (S::Length, vec![t("héllo")], "5"),
        (S::OctetLength, vec![t("héllo")], "6"),
        (S::Upper, vec![t("äb")], "ÄB"),
        (S::Lower, vec![t("ÄB")], "äb"),
        (
            S::Concat,
            vec![t("a"), Value::Null, n(1), Value::Bool(true), Value::Float8(1.5)],
            "a1t1.5",
        ),
        (S::ConcatWithSeparator, vec![t(","), t("a"), Value::Null, t("b")], "a,b"),
        (S::ConcatWithSeparator, vec![Value::Null, t("a")], "NULL"),
        (S::Left, vec![Value::Null, n(1)], "NULL"),
    ];
    for (function, arguments, expected) in cases {
        let data_type = match function {
            S::StringPosition | S::Length | S::OctetLength => DataType::Int4,
            S::StartsWith => DataType::Bool,
            _ => DataType::Text,
        };
        let shown = format!("{function:?} {arguments:?}");
        assert_eq!(outcome(&scalar(function, data_type, arguments)), expected, "{shown}");
    }
}

#[test]
fn casts_as_in_postgresql() {
    let vector_3 = DataType::Vector(Some(3));
    let varchar = DataType::Varchar(Some(3));
    let too_long = "22001: value too long for type character varying(3)";
    let cases = [
        (Value::Float8(2.5), DataType::Int4, true, "2"),
        (Value::Float8(3.5), DataType::Int4, true, "4"),
        (Value::Float8(-2.5), DataType::Int4, true, "-2"),
        (Value::Float8(2_147_483_647.5), DataType::Int4, true, "22003: integer out of range"),
        (Value::Float8(2_147_483_647.4), DataType::Int4, true, "2147483647"),
        (Value::Float8(f64::NAN), DataType::Int4, true, "22003: integer out of range"),
        (Value::Float8(9.3e18), DataType::Int8, true, "22003: bigint out of range"),
        (Value::Float8(i64::MIN as f64), DataType::Int8, true, "-9223372036854775808"),
        (Value::Float4(32_767.5), DataType::Int2, true, "22003: smallint out of range"),
        (Value::Int4(40_000), DataType::Int2, true, "22003: smallint out of range"),
        (Value::Int8(3_000_000_000), DataType::Int4, true, "22003: integer out of range"),
        (Value::Int4(16_777_217), DataType::Float4, true, "1.6777216e+07"),
        (Value::Float8(1e300), DataType::Float4, true, "22003: value out of range: overflow"),
        (Value::Float8(1e-300), DataType::Float4, true, "22003: value out of range: underflow"),
        (Value::Float4(0.1), DataType::Float8, true, "0.10000000149011612"),
        (Value::Int4(5), DataType::Bool, true, "t"),
        (Value::Bool(true), DataType::Int4, true, "1"),
        (Value::Bool(true), DataType::Text, true, "true"),
        (Value::Bool(true), varchar, true, "tru"),
        (text(" yes "), DataType::Bool, true, "t"),
        (text("abcdef"), varchar, true, "abc"),
        (text("éàü"), varchar, false, "éàü"),
        (text("éàüx"), varchar, false, too_long),
        (text("abc   "), varchar, false, "abc"),
        (text("[1,2,3]"), vector_3, true, "[1,2,3]"),
        (text("[1,2]"), vector_3, true, "22000: expected 3 dimensions, not 2"),
        (vector(&[1.0, 2.0]), vector_3, true, "22000: expected 3 dimensions, not 2"),
        (vector(&[1.0, 2.5]), DataType::Text, true, "[1,2.5]"),
        (text("x"), DataType::Int8, true, "22P02: invalid input syntax for type bigint: \"x\""),
        (Value::Null, DataType::Int4, true, "NULL"),
    ];
    for (value, target, explicit, expected) in cases {
        let shown = format!("{value:?} as {target}");
        let expression = Expression::Cast { operand: Box::new(literal(value)), target, explicit };
        assert_eq!(outcome(&expression), expected, "{shown}");
    }
}

#[test]
fn logic_is_three_valued_and_lazy() {
    let b = |value: Option<bool>| literal(value.map_or(Value::Null, Value::Bool));
    let (t, f, null) = (Some(true), Some(false), None);
    for (left, right, and, or) in [
        (t, t, "t", "t"),
        (t, f, "f", "t"),
        (t, null, "NULL", "t"),
        (f, f, "f", "f"),
        (f, null, "f", "NULL"),
        (null, null, "NULL", "NULL"),
    ] {
        for (left, right) in [(left, right), (right, left)] {
            assert_eq!(outcome(&Expression::And(vec![b(left), b(right)])), and);
            assert_eq!(outcome(&Expression::Or(vec![b(left), b(right)])), or);
        }
    }
    let one = || literal(Value::Int4(1));
    let fails = || {
        let zero = literal(Value::Int4(0));
        call(Function::Arithmetic(Arithmetic::Divide), vec![one(), zero], DataType::Int4)
    };
    let equal =
        |left, right| call(Function::Compare(Comparison::Equal), vec![left, right], DataType::Bool);
    let failing_condition = || equal(fails(), one());
    assert_eq!(outcome(&Expression::And(vec![b(f), failing_condition()])), "f");
    assert_eq!(outcome(&Expression::Or(vec![b(t), failing_condition()])), "t");
    assert_eq!(outcome(&failing_condition()), "22012: division by zero");
    let case = Expression::Case {
        branches: vec![(b(null), fails()), (b(t), one())],
        otherwise: Some(Box::new(fails())),
        data_type: DataType::Int4,
    };
    assert_eq!(outcome(&case), "1");
    let coalesce = Expression::Coalesce {
        operands: vec![literal(Value::Null), one(), fails()],
        data_type: DataType::Int4,
    };
    assert_eq!(outcome(&coalesce), "1");
}

#[test]
fn membership_and_comparisons() {
    let i = |value: Option<i32>| literal(value.map_or(Value::Null, Value::Int4));
    for (tested, list, negated, expected) in [
        (None, vec![Some(1), Some(2)], false, "NULL"),
        (Some(1), vec![Some(1), None], false, "t"),
        (Some(2), vec![Some(1), None], false, "NULL"),
        (Some(2), vec![Some(1), None], true, "NULL"),
        (Some(2), vec![Some(1)], true, "t"),
    ] {
        let expression = Expression::InList {
            operand: Box::new(i(tested)),
            list: list.into_iter().map(i).collect(),
            negated,
        };
        assert_eq!(outcome(&expression), expected);
    }
    let nan = || literal(Value::Float8(f64::NAN));
    let infinity = || literal(Value::Float8(f64::INFINITY));
    for (function, arguments, expected) in [
        (Function::Compare(Comparison::Equal), vec![nan(), nan()], "t"),
        (Function::Compare(Comparison::Greater), vec![nan(), infinity()], "t"),
        (Function::Compare(Comparison::Less), vec![nan(), infinity()], "f"),
        (Function::Compare(Comparison::Less), vec![nan(), literal(Value::Null)], "NULL"),
        (Function::DistinctFrom(false), vec![i(Some(1)), i(None)], "t"),
        (Function::DistinctFrom(true), vec![i(None), i(None)], "t"),
        (Function::NullIf, vec![i(Some(1)), i(Some(1))], "NULL"),
        (Function::NullIf, vec![i(Some(1)), i(None)], "1"),
        (Function::Greatest, vec![i(Some(1)), i(None), i(Some(3))], "3"),
        (Function::Least, vec![i(None), i(None)], "NULL"),
    ] {
        assert_eq!(outcome(&call(function, arguments, DataType::Int4)), expected, "{function:?}");
    }
}

#[test]
fn text_results_are_counted_before_they_are_made() {
    use crate::executor::context::{Context, NoSubqueries};
    use crate::executor::environment::NoEnvironment;
    let root = crate::storage::root::Root::empty();
    let interrupt = crate::executor::interrupt::Interrupt::default();
    let memory = crate::executor::memory::MemoryBudget::new(10 << 20);
    let context = Context {
        root: &root,
        parameters: &[],
        interrupt: &interrupt,
        memory: &memory,
        subqueries: &NoSubqueries,
        environment: &NoEnvironment,
        reads: None,
    };
    let repeat = |times| {
        let arguments = vec![text("0123456789"), Value::Int4(times)];
        evaluate_scalar(&scalar(ScalarFunction::Repeat, DataType::Text, arguments), &context)
    };
    assert!(repeat(1_000_000).is_ok());
    assert_eq!(repeat(2_000_000).unwrap_err().sqlstate().code(), "53200");
    assert_eq!(memory.used_bytes(), 0);
}
