//! Errors: SQLSTATE, place and wording, as PostgreSQL 15 answers.

use super::bind_text;
use crate::types::Position;

#[test]
fn errors_are_postgresqls() {
    for line in POSTGRESQL.lines().chain(OWN.lines()) {
        let (head, message) = line.split_once(" => ").unwrap();
        let mut head = head.splitn(3, ' ');
        let (code, position, sql) =
            (head.next().unwrap(), head.next().unwrap(), head.next().unwrap());
        let position: u32 = position.parse().unwrap();
        let Err(error) = bind_text(sql) else { panic!("{sql} is bound") };
        let place = error.fields().position.unwrap_or(Position::UNKNOWN).0;
        let found = (error.sqlstate().code(), place, error.message());
        assert_eq!(found, (code, position, message), "{sql}");
    }
}

#[test]
fn hints_and_details() {
    for (sql, hint, detail) in [
        (
            "select t.a from t x",
            Some("Perhaps you meant to reference the table alias \"x\"."),
            None,
        ),
        (
            "select x.a from t, (select t.a) x",
            Some(
                "There is an entry for table \"t\", but it cannot be referenced from this part of the query.",
            ),
            None,
        ),
        (
            "insert into t (a) values (b)",
            Some(
                "There is a column named \"b\" in table \"t\", but it cannot be referenced from this part of the query.",
            ),
            None,
        ),
        ("update t set a = true", Some("You will need to rewrite or cast the expression."), None),
        ("select $1 from t where a = $1", None, Some("integer versus text")),
    ] {
        let error = bind_text(sql).unwrap_err();
        let fields = error.fields();
        assert_eq!((fields.hint.as_deref(), fields.detail.as_deref()), (hint, detail), "{sql}");
    }
}

/// `SQLSTATE position statement => message`, each checked against PostgreSQL 15; position 0 is none.
const POSTGRESQL: &str = r#"42P01 8 select t.a from t as x => invalid reference to FROM-clause entry for table "t"
42P01 28 select x.a from t, (select t.a) x => invalid reference to FROM-clause entry for table "t"
42P01 33 select * from t join u on t.a = z.a, t z => missing FROM-clause entry for table "z"
42P01 38 select * from t z, t join u on t.a = z.a => invalid reference to FROM-clause entry for table "z"
42P01 8 select nope.a from t => missing FROM-clause entry for table "nope"
42703 8 select nope from t => column "nope" does not exist
42703 8 select t.nope from t => column t.nope does not exist
42712 0 select * from t a, u a => table name "a" specified more than once
42712 0 select * from t join t on true => table name "t" specified more than once
42702 8 select a from t, u => column reference "a" is ambiguous
42P01 8 select foo.t.a from t => invalid reference to FROM-clause entry for table "t"
42P01 15 select * from foo.t => relation "foo.t" does not exist
42P01 15 select * from nope => relation "nope" does not exist
42804 35 select * from t group by a having c => argument of HAVING must be type boolean, not type double precision
42701 0 select * from t join u using (a, a) => column name "a" appears more than once in USING clause
42703 0 select * from t join u using (b) => column "b" specified in USING clause does not exist in right table
42703 0 select * from t join u using (zz) => column "zz" specified in USING clause does not exist in left table
42804 0 select * from t join (select 'x'::text as a) y using (a) => JOIN/USING types integer and text cannot be matched
42703 0 select * from (t join u using (a)) join t z using (b) join t w using (x) => column "x" specified in USING clause does not exist in right table
42803 8 select a, count(*) from t => column "t.a" must appear in the GROUP BY clause or be used in an aggregate function
42883 10 select b + 1 from t => operator does not exist: text + integer
42803 8 select b, c from t group by a + 1, c => column "t.b" must appear in the GROUP BY clause or be used in an aggregate function
42601 40 insert into t values (1, 'x', 2, true, 5) => INSERT has more expressions than target columns
42601 19 insert into t (a, b) values (1) => INSERT has more target columns than expressions
42601 19 insert into t (a, b) values (1), (2) => INSERT has more target columns than expressions
42701 19 insert into t (a, a) values (1, 1) => column "a" specified more than once
42703 19 insert into t (a, zz) values (1, 1) => column "zz" of relation "t" does not exist
42703 27 insert into t (a) values (b) => column "b" does not exist
42804 27 insert into t (a) values ('x'::text) => column "a" is of type integer but expression is of type text
22P02 27 insert into t (a) values ('x') => invalid input syntax for type integer: "x"
42804 27 insert into t (d) values (1) => column "d" is of type boolean but expression is of type integer
42804 26 insert into t (a) select 'x' union all select 'y' => column "a" is of type integer but expression is of type text
22P02 26 insert into t (a) select 'x' => invalid input syntax for type integer: "x"
42601 19 insert into t (a, b) select 1 => INSERT has more target columns than expressions
42601 37 insert into t (a, b) select 1, 'x', 3 => INSERT has more expressions than target columns
42804 26 insert into t (a) select true => column "a" is of type integer but expression is of type boolean
42803 23 insert into t values (count(*)) => aggregate functions are not allowed in VALUES
42P01 13 insert into foo.t values (1) => relation "foo.t" does not exist
42P01 13 insert into nope values (1) => relation "nope" does not exist
42703 40 insert into t default values returning zz => column "zz" does not exist
42P01 42 insert into t as tt values (1) returning t.a => invalid reference to FROM-clause entry for table "t"
42601 23 insert into t values (default + 1) => DEFAULT is not allowed in this context
42803 36 insert into t values (1) returning count(*) => aggregate functions are not allowed in RETURNING
42601 0 update t set a = 1, a = 2 => multiple assignments to same column "a"
42703 14 update t set zz = 1 => column "zz" of relation "t" does not exist
42804 18 update t set a = true => column "a" is of type integer but expression is of type boolean
22P02 18 update t set a = 'x' => invalid input syntax for type integer: "x"
42803 18 update t set a = count(*) => aggregate functions are not allowed in UPDATE
42601 18 update t set a = default + 1 => DEFAULT is not allowed in this context
42P01 24 update t as tt set a = t.a => invalid reference to FROM-clause entry for table "t"
42804 26 update t set a = 1 where c => argument of WHERE must be type boolean, not type double precision
42P01 8 update nope set a = 1 => relation "nope" does not exist
42P01 27 delete from t as tt where t.a = 1 => invalid reference to FROM-clause entry for table "t"
42803 21 delete from t where count(*) = 1 => aggregate functions are not allowed in WHERE
22P02 25 delete from t where a = 'x' => invalid input syntax for type integer: "x"
42883 23 delete from t where b = 1 => operator does not exist: text = integer
42P01 13 delete from nope => relation "nope" does not exist
42809 8 select count() from t => count(*) must be used to call a parameterless aggregate function
42725 8 select sum('1') => function sum(unknown) is not unique
42809 8 select lower(distinct b) from t => DISTINCT specified, but lower is not an aggregate function
42809 8 select concat(distinct b) from t => DISTINCT specified, but concat is not an aggregate function
42883 8 select array_agg(distinct b) from t => function array_agg(text) does not exist
42883 8 select max(d) from t => function max(boolean) does not exist
42883 8 select sum(b) from t => function sum(text) does not exist
42883 8 select avg(d) from t => function avg(boolean) does not exist
42883 8 select count(a, b) from t => function count(integer, text) does not exist
42804 30 select a from t union select b from t => UNION types integer and text cannot be matched
42601 30 select a from t union select a, b from t => each UNION query must have the same number of columns
0A000 48 select a from t union select a from u order by a + 1 => invalid UNION/INTERSECT/EXCEPT ORDER BY clause
42703 48 select a from t union select a from u order by zz => column "zz" does not exist
42P01 48 select a from t union select a from u order by t.a => missing FROM-clause entry for table "t"
22P02 23 select 1 union select 'a' => invalid input syntax for type integer: "a"
42804 42 select '1' union select '2' union select 3 => UNION types text and integer cannot be matched
42804 24 select 1 except select 'x'::text => EXCEPT types integer and text cannot be matched
42P10 39 select 1 as x union select 2 order by 2 => ORDER BY position 2 is not in select list
42703 31 select 1 union select 2 limit a => column "a" does not exist
42601 10 select 1 in (select 1, 2) => subquery has too many columns
42883 10 select 1 in (select true) => operator does not exist: integer = boolean
42601 8 select (select 1, 2) => subquery must return only one column
42P10 23 select a from t limit a => argument of LIMIT must not contain variables
22P02 23 select a from t limit 'x' => invalid input syntax for type bigint: "x"
42804 23 select a from t limit true => argument of LIMIT must be type bigint, not type boolean
42804 24 select a from t offset b => argument of OFFSET must be type bigint, not type text
42803 23 select 1 from t limit count(*) => aggregate functions are not allowed in LIMIT
42P10 35 select distinct a from t order by b => for SELECT DISTINCT, ORDER BY expressions must appear in select list
42P10 38 select distinct a, b from t order by a + 1 => for SELECT DISTINCT, ORDER BY expressions must appear in select list
42P10 26 select a from t order by 3 => ORDER BY position 3 is not in select list
42P10 26 select a from t order by -1 => ORDER BY position -1 is not in select list
42601 26 select a from t order by 'x' => non-integer constant in ORDER BY
42601 26 select a from t order by 1.5 => non-integer constant in ORDER BY
42P10 21 values (1) order by 2 => ORDER BY position 2 is not in select list
42703 26 values (1), (2) order by zz => column "zz" does not exist
42804 18 select case when 1 then 2 end => argument of CASE/WHEN must be type boolean, not type integer
22P02 35 select case when true then 1 else 'x' end => invalid input syntax for type integer: "x"
42804 25 select case when d then 1 else b end from t => CASE types text and integer cannot be matched
42804 20 select coalesce(1, true) => COALESCE types integer and boolean cannot be matched
42804 20 select greatest(1, 'x'::text) => GREATEST types integer and text cannot be matched
42883 8 select nullif(1, true) => operator does not exist: integer = boolean
42883 10 select 1 in (1, true) => operator does not exist: integer = boolean
22P02 19 select a in ('1', 'x') from t => invalid input syntax for type integer: "x"
42883 10 select 1 is distinct from true => operator does not exist: integer = boolean
42804 8 select 1 is true => argument of IS TRUE must be type boolean, not type integer
42804 8 select 1 is not unknown => argument of IS NOT UNKNOWN must be type boolean, not type integer
42804 12 select not 1 => argument of NOT must be type boolean, not type integer
42804 8 select 1 and true => argument of AND must be type boolean, not type integer
42804 17 select false or b from t => argument of OR must be type boolean, not type text
22P02 18 select 1 between 'x' and 3 => invalid input syntax for type integer: "x"
42883 10 select 1 between true and 3 => operator does not exist: integer >= boolean
42883 10 select 1 like 'x' => operator does not exist: integer ~~ unknown
42883 10 select 1 not ilike b from t => operator does not exist: integer !~~* text
42883 10 select b like 1 from t => operator does not exist: text ~~ integer
42883 8 select - b from t => operator does not exist: - text
22P02 10 select + 'x' => invalid input syntax for type double precision: "x"
42725 8 select - '1' => operator is not unique: - unknown
42725 12 select '1' + '2' => operator is not unique: unknown + unknown
42725 12 select '1' % '2' => operator is not unique: unknown % unknown
42883 10 select 1 || 2 => operator does not exist: integer || integer
42883 10 select d || d from t => operator does not exist: boolean || boolean
42883 8 select foo(1, 'x', b) from t => function foo(integer, unknown, text) does not exist
42883 8 select foo() => function foo() does not exist
42883 8 select length(1) => function length(integer) does not exist
42883 8 select substr('abc', 'x'::text) => function substr(unknown, text) does not exist
42883 8 select left('abc', true) => function left(unknown, boolean) does not exist
42883 8 select round(1.5::float8, 'x'::text) => function round(double precision, text) does not exist
22P02 13 select ceil('x') => invalid input syntax for type double precision: "x"
42846 12 select true::float8 => cannot cast type boolean to double precision
42846 15 select 1::int8::bool => cannot cast type bigint to boolean
42846 9 select c::bool from t => cannot cast type double precision to boolean
22P02 8 select 'x'::int => invalid input syntax for type integer: "x"
42883 10 select b = 1 from t => operator does not exist: text = integer
42883 10 select a = b from t => operator does not exist: integer = text
22P02 12 select a = 'x' from t => invalid input syntax for type integer: "x"
42883 10 select d = 1 from t => operator does not exist: boolean = integer
22P02 12 select d < 'x' from t => invalid input syntax for type boolean: "x"
42601 8 select * => SELECT * with no tables specified is not valid
42P01 8 select x.* from t => missing FROM-clause entry for table "x"
42P01 8 select t.* from t as tt => invalid reference to FROM-clause entry for table "t"
22P02 16 select 1 where 'x' => invalid input syntax for type boolean: "x"
42804 16 select 1 where 1 => argument of WHERE must be type boolean, not type integer
42804 27 select 1 from t join u on 1 => argument of JOIN/ON must be type boolean, not type integer
42803 23 select 1 from t where count(*) = 1 => aggregate functions are not allowed in WHERE
42P10 26 select a from t group by 2 => GROUP BY position 2 is not in select list
42601 26 select a from t group by 'x' => non-integer constant in GROUP BY
42803 8 select count(*) as n from t group by n => aggregate functions are not allowed in GROUP BY
42702 39 select a as x, b as x from t group by x => GROUP BY "x" is ambiguous
42702 39 select a as x, b as x from t order by x => ORDER BY "x" is ambiguous
42803 26 select a from t group by count(*) => aggregate functions are not allowed in GROUP BY
42803 27 select a from t join u on count(*) = 1 => aggregate functions are not allowed in JOIN conditions
42803 12 select sum(count(*)) from t => aggregate function calls cannot be nested
42803 8 select * from t group by b => column "t.a" must appear in the GROUP BY clause or be used in an aggregate function
42803 15 select a + 1, a from t group by a + 1 => column "t.a" must appear in the GROUP BY clause or be used in an aggregate function
42803 8 select b from t having true => column "t.b" must appear in the GROUP BY clause or be used in an aggregate function
42803 8 select a from t having count(*) > 1 => column "t.a" must appear in the GROUP BY clause or be used in an aggregate function
42803 33 select count(*) from t order by a => column "t.a" must appear in the GROUP BY clause or be used in an aggregate function
42803 8 select a as b from t group by b => column "t.a" must appear in the GROUP BY clause or be used in an aggregate function
42803 8 select t.d from t full join u using (a) group by a => column "t.d" must appear in the GROUP BY clause or be used in an aggregate function
42883 25 select a from t where a in (select t.b from t) => operator does not exist: integer = text
42601 8 select default => DEFAULT is not allowed in this context
42601 9 values (default) => DEFAULT is not allowed in this context
42803 9 values (count(*)) => aggregate functions are not allowed in VALUES
42804 19 values (1, 'a'), (true, 'b') => VALUES types integer and boolean cannot be matched
22P02 19 values (1, 'a'), ('z', 'b') => invalid input syntax for type integer: "z"
42P10 0 select * from t x(p, q, r, s, v) => table "x" has 4 columns available but 5 columns specified
42P10 0 select * from (values (1, 2)) v(a, b, c) => table "v" has 2 columns available but 3 columns specified
42702 47 select * from (select 1 as a, 2 as a) x where a = 1 => column reference "a" is ambiguous
42702 8 select x.a from (select 1 as a, 2 as a) x => column reference "a" is ambiguous
42601 39 (select a from t order by b) order by c => multiple ORDER BY clauses not allowed
42601 33 (select a from t limit 1) limit 1 => multiple LIMIT clauses not allowed
42601 35 (select a from t offset 1) offset 1 => multiple OFFSET clauses not allowed
42883 10 select a + b from t => operator does not exist: integer + text
42883 10 select c % true from t => operator does not exist: double precision % boolean
42703 27 select a from t where a = any_of => column "any_of" does not exist
42883 26 select exists (select 1) + 1 => operator does not exist: boolean + integer
42703 38 select a from t natural join u where zz = 1 => column "zz" does not exist
42883 8 select lpad(a, 3) from t => function lpad(integer, integer) does not exist
42883 28 select b from t order by b + 1 => operator does not exist: text + integer
42883 31 select (select max(b) from t) + 1 => operator does not exist: text + integer"#;

/// Likewise where SPG's types, its limits or its syntax tree make a difference, or with parameters.
const OWN: &str = r#"42883 20 select case 1 when true then 2 end => operator does not exist: integer = boolean
0A000 57 select a from t where exists (select 1 from u where x = c) => correlated subquery (reference to outer column "c") is not supported
0A000 16 select (select t.b from u limit 1) from t => correlated subquery (reference to outer column "t.b") is not supported
0A000 8 select t from t => whole-row reference is not supported
0A000 8 select substring(b, 'x') from t => function substring(text, text) is not supported
42883 10 select v <-> 1 from e => operator does not exist: vector <-> integer
22P02 14 select v <-> 'x' from e => invalid input syntax for type vector: "x"
42883 12 select e.v || b from e, t => operator does not exist: vector || text
42883 10 select v / v from e => operator does not exist: vector / vector
42846 9 select v::int from e => cannot cast type vector to integer
42883 8 select max(v) from e => function max(vector) does not exist
42804 26 insert into e values (1, 2) => column "v" is of type vector but expression is of type integer
42P18 0 select $1 is null => could not determine data type of parameter $1
42P18 0 select $2::int => could not determine data type of parameter $1
42P08 8 select $1 is null, $1 = 1 => could not determine data type of parameter $1
42P08 8 select $1 from t where a = $1 => inconsistent types deduced for parameter $1
42725 11 select $1 + $2 => operator is not unique: unknown + unknown
42883 18 select a = $1, b = $1 from t => operator does not exist: text = integer"#;
