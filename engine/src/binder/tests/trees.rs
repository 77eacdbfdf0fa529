//! Bound trees of key statements.

use super::bind_text;
use super::print::print;

#[test]
fn trees() {
    for case in CASES.split("\n\n") {
        let (sql, expected) = case.split_once('\n').unwrap();
        let bound = bind_text(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(print(&bound), expected, "{sql}");
    }
}

/// Each a statement and, in the line below it, its tree.
const CASES: &str = r"select a, b as k, * from t
project(t[#0=0 #1=1 #2=2 #3=3]; #4=#0, #5=#1, #6=#0, #7=#1, #8=#2, #9=#3) => a int4#4, k text#5, a int4#6, b text#7, c float8#8, d bool#9

select 1, 99999999999, 1.5, 'x', null, true
project(one; #0=1:int4, #1=99999999999:int8, #2=1.5:float8, #3=x:text, #4=null:text, #5=true:bool) => ?column? int4#0, ?column? int8#1, ?column? float8#2, ?column? text#3, ?column? text#4, ?column? bool#5

select 1 + 2 * 3, 1 / 0, 'a' || 1, '7'::int, 1::text
project(one; #0=7:int4, #1=Divide(1:int4, 0:int4):int4, #2=a1:text, #3=7:int4, #4=1:text) => ?column? int4#0, ?column? int4#1, ?column? text#2, int4 int4#3, text text#4

select t.a + x, t.a + r, c * u.a, '5' + t.a from t, u
project(inner(t[#0=0 #2=2], u[#4=0 #5=1 #7=3]); #8=Add(#0, #5:=integer):int4, #9=Add(#0:=double precision, #7:=double precision):float8, #10=Multiply(#2, #4:=double precision):float8, #11=Add(5:int4, #0):int4) => ?column? int4#8, ?column? float8#9, ?column? float8#10, ?column? int4#11

select count(*), sum(x), avg(x), max(v), min(r), count(distinct a) from u
project(aggregate(u[#0=0 #1=1 #2=2 #3=3]; ; #4=CountStar():int8, #5=Sum(#1):int8, #6=Average(#1):float8, #7=Max(#2):text, #8=Min(#3):float4, #9=Count(distinct #0):int8); #10=#4, #11=#5, #12=#6, #13=#7, #14=#8, #15=#9) => count int8#10, sum int8#11, avg float8#12, max text#13, min float4#14, count int8#15

select b, count(*) from t group by b having count(*) > 1 order by count(*) desc, b
project(sort(filter(aggregate(t[#1=1]; #4=#1; #5=CountStar():int8), Greater(#5, 1:int8):bool); #5 desc nulls first, #4); #6=#4, #7=#5) => b text#6, count int8#7

select a, b, c + 1 from t group by a
project(aggregate(t[#0=0 #1=1 #2=2]; #4=#0, #5=#1, #6=#2; ); #7=#4, #8=#5, #9=Add(#6, 1:float8):float8) => a int4#7, b text#8, ?column? float8#9

select a + 1 as k, sum(c) from t group by k order by 1
project(sort(aggregate(t[#0=0 #2=2]; #4=Add(#0, 1:int4):int4; #5=Sum(#2):float8); #4); #6=#4, #7=#5) => k int4#6, sum float8#7

select a + 1, (a + 1) * 2 from t group by a + 1
project(aggregate(t[#0=0]; #4=Add(#0, 1:int4):int4; ); #5=#4, #6=Multiply(#4, 2:int4):int4) => ?column? int4#5, ?column? int4#6

select distinct b from t order by b desc limit 10 offset 1
limit(sort(distinct(project(t[#1=1]; #4=#1)); #4 desc nulls first); 10:int8, 1:int8) => b text#4

select b from t order by c, 1 limit '3'
project(limit(sort(t[#1=1 #2=2]; #2, #1); 3:int8, -); #4=#1) => b text#4

select * from t join u using (a)
project(inner(t[#0=0 #1=1 #2=2 #3=3], u[#4=0 #5=1 #6=2 #7=3], equal(#0:=bigint, #4):bool); #8=#4, #9=#1, #10=#2, #11=#3, #12=#5, #13=#6, #14=#7) => a int8#8, b text#9, c float8#10, d bool#11, x int2#12, v varchar#13, r float4#14

select * from t full join u using (a) where a = 1
project(filter(full(t[#0=0 #1=1 #2=2 #3=3], u[#4=0 #5=1 #6=2 #7=3], equal(#0:=bigint, #4):bool), Equal(coalesce(#0:=bigint, #4):int8, 1:int8):bool); #8=coalesce(#0:=bigint, #4):int8, #9=#1, #10=#2, #11=#3, #12=#5, #13=#6, #14=#7) => a int8#8, b text#9, c float8#10, d bool#11, x int2#12, v varchar#13, r float4#14

select t.a from t left join u on t.a = u.a and x > 1
project(left(t[#0=0], u[#4=0 #5=1], and(equal(#0:=bigint, #4):bool, greater(#5, 1:int2):bool)); #8=#0) => a int4#8

select * from (select a as p from t) q(z) where z between 1 and 2
project(filter(project(t[#0=0]; #4=#0), and(GreaterOrEqual(#4, 1:int4):bool, LessOrEqual(#4, 2:int4):bool)); #5=#4) => z int4#5

select 1 union select 2.5 union all select '3' order by 1
sort(union all[#5](union[#3](project(project(one; #0=1:int4); #2=#0:=double precision) [2], project(one; #1=2.5:float8) [1]) [3], project(one; #4=3:float8) [4]); #5) => ?column? float8#5

select 'x' union select null
union[#2](project(one; #0=x:text) [0], project(one; #1=null:text) [1]) => ?column? text#2

values (1, 'a'), (2.5, null)
values[#0 #1] (1:float8, a:text) (2.5:float8, null:text) => column1 float8#0, column2 text#1

select a in (1, '2', 2.5::real), b not in ('x') from t
project(t[#0=0 #1=1]; #4=in(#0:=double precision; 1:float8, 2:float8, 2.5:float8), #5=notin(#1; x:text)) => ?column? bool#4, ?column? bool#5

select a from t where a in (select x from u) and exists (select 1 from u) and (select max(x) from u) > 1
project(filter(t[#0=0], and(insub0(#0), exists1, Greater(scalar2:int2, 1:int2):bool)); #21=#0) => a int4#21 | sub0: project(project(u[#5=1]; #8=#5); #9=#8:=integer) => x int4#9 | sub1: project(u[]; #14=1:int4) => ?column? int4#14 | sub2: project(aggregate(u[#16=1]; ; #19=Max(#16):int2); #20=#19) => max int2#20

select case t.a when 1 then 'x' else b end, coalesce(t.a, x), nullif(x, t.a), greatest(x, 1.5) from t, u where d is not true
project(filter(inner(t[#0=0 #1=1 #3=3], u[#5=1]), isnottrue(#3)); #8=case(Equal(#0, 1:int4):bool: x:text else #1):text, #9=coalesce(#0, #5:=integer):int4, #10=case(Equal(#5:=integer, #0):bool: null:int2 else #5):int2, #11=Greatest(#5:=double precision, 1.5:float8):float8) => b text#8, coalesce int4#9, nullif int2#10, greatest float8#11

select b like 'a%', b not ilike 'x' escape '!', a is not distinct from null, d is unknown from t
project(t[#0=0 #1=1 #3=3]; #4=Like(#1, a%:text):bool, #5=not(ILike(#1, x:text, !:text):bool), #6=isnull(#0), #7=isnull(#3)) => ?column? bool#4, ?column? bool#5, ?column? bool#6, ?column? bool#7

select id from e order by v <-> '[1,2,3]' limit 5
project(limit(sort(e[#0=0 #1=1]; DistanceEuclidean(#1, [1,2,3]:vector):float8); 5:int8, -); #2=#0) => id int4#2

select v + [1, 2, 3], v = '[1,2,3]', '[1,2]'::vector(2), '[1,2]'::vector(3) from e
project(e[#1=1]; #2=Add(#1, [1,2,3]:vector):vector, #3=Equal(#1, [1,2,3]:vector):bool, #4=[1,2]:vector, #5=[1,2]:vector::vector(3)) => ?column? vector#2, ?column? bool#3, vector vector#4, vector vector#5

select 'abcdef'::varchar(3), v::text, b::varchar(2) from u, t
project(inner(u[#2=2], t[#5=1]); #8=abc:varchar, #9=#2::text, #10=#5::character varying(2)) => varchar varchar#8, v text#9, b varchar#10

select concat(b, t.a, d, null), substr(b, 1, 2), abs(t.a), round(t.a), mod(x, t.a) from t, u
project(inner(t[#0=0 #1=1 #3=3], u[#5=1]); #8=Concat(#1, #0::text, case(#3: t:text | not(#3): f:text):text, null:text):text, #9=Substring(#1, 1:int4, 2:int4):text, #10=Abs(#0):int4, #11=Round(#0:=double precision):float8, #12=Mod(#5:=integer, #0):int4) => concat text#8, substr text#9, abs int4#10, round float8#11, mod int4#12

insert into u values (1), (2) returning a, r as k
insert values[#0 #1 #2 #3] (1:int8, 7:int2, null:varchar, 1.5:float4) (2:int8, 7:int2, null:varchar, 1.5:float4) => a int8#0, x int2#1, v varchar#2, r float4#3 returning #0, #3 => a int8#0, k float4#1

insert into u (v, a) values ('abc', default)
insert values[#0 #1 #2 #3] (null:int8, 7:int2, abc:varchar, 1.5:float4) => a int8#0, x int2#1, v varchar#2, r float4#3

insert into u (v) values ('toolong')
insert values[#0 #1 #2 #3] (null:int8, 7:int2, toolong:varchar:=character varying(5), 1.5:float4) => a int8#0, x int2#1, v varchar#2, r float4#3

insert into u (x, v) select a, b from t returning *
insert project(project(t[#0=0 #1=1]; #4=#0, #5=#1); #6=null:int8, #7=#4:=smallint, #8=#5:=character varying(5), #9=1.5:float4) => a int8#6, x int2#7, v varchar#8, r float4#9 returning #0, #1, #2, #3 => a int8#0, x int2#1, v varchar#2, r float4#3

insert into t (a, b) select '1', 'x'
insert project(project(one; #0=1:int4, #1=x:text); #2=#0, #3=#1, #4=null:float8, #5=null:bool) => a int4#2, b text#3, c float8#4, d bool#5

insert into u default values
insert values[#0 #1 #2 #3] (null:int8, 7:int2, null:varchar, 1.5:float4) => a int8#0, x int2#1, v varchar#2, r float4#3

insert into e values (1, '[1,2,3]'), ($1, $2)
insert values[#0 #1] (1:int4, [1,2,3]:vector) ($1:int4, $2:vector:=vector(3)) => id int4#0, v vector#1 | $[Int4, Vector(None)]

update t set b = a, c = default, a = a + 1 where d returning a, t.*
update [1, 2, 0] project(filter(t[#1=0 #4=3 #0=rowid], #4); #5=#0, #6=#1:=text, #7=null:float8, #8=Add(#1, 1:int4):int4) => row_id int8#5, b text#6, c float8#7, a int4#8 returning #0, #0, #1, #2, #3 => a int4#0, a int4#1, b text#2, c float8#3, d bool#4

update u as k set x = 5, v = 'x' where k.a = $1
update [1, 2] project(filter(k[#1=0 #0=rowid], Equal(#1, $1:int8):bool); #5=#0, #6=5:int2, #7=x:varchar) => row_id int8#5, x int2#6, v varchar#7 | $[Int8]

delete from t where b = 'x' or b is null returning b
delete project(filter(t[#2=1 #0=rowid], or(Equal(#2, x:text):bool, isnull(#2))); #5=#0) => row_id int8#5 returning #1 => b text#0

select $1 + a, $2 || 'x', $3::bool, coalesce($4, b) from t where a in ($5, 1) limit $6
project(limit(filter(t[#0=0 #1=1], in(#0; $5:int4, 1:int4)); $6:int8, -); #4=Add($1:int4, #0):int4, #5=Concatenate($2:text, x:text):text, #6=$3:bool, #7=coalesce($4:text, #1):text) => ?column? int4#4, ?column? text#5, bool bool#6, coalesce text#7 | $[Int4, Text, Bool, Text, Int4, Int8]

select (select 1 as z), exists (select 1), a::text, case when d then b else b end, true::int, -a, -5 from t
project(t[#0=0 #1=1 #3=3]; #6=scalar0:int4, #7=exists1, #8=#0::text, #9=case(#3: #1 else #1):text, #10=1:int4, #11=Negate(#0):int4, #12=-5:int4) => z int4#6, exists bool#7, a text#8, b text#9, int4 int4#10, ?column? int4#11, ?column? int4#12 | sub0: project(one; #4=1:int4) => z int4#4 | sub1: project(one; #5=1:int4) => ?column? int4#5

select x.a from t x natural join t y
project(inner(x[#0=0 #1=1 #2=2 #3=3], y[#4=0 #5=1 #6=2 #7=3], and(equal(#0, #4):bool, equal(#1, #5):bool, equal(#2, #6):bool, equal(#3, #7):bool)); #8=#0) => a int4#8

(select a from t limit 2) order by b
project(limit(sort(t[#0=0 #1=1]; #1); 2:int8, -); #4=#0) => a int4#4

select count(a) from t where c > 1 having true
project(filter(aggregate(filter(t[#0=0 #2=2], Greater(#2, 1:float8):bool); ; #4=Count(#0):int8), true:bool); #5=#4) => count int8#5

select b from t group by 1, b order by b, b
project(sort(aggregate(t[#1=1]; #4=#1; ); #4); #5=#4) => b text#5

select x in (1, 2), x = 70000, x in (70000) from u
project(u[#1=1]; #4=in(#1; 1:int2, 2:int2), #5=Equal(#1:=integer, 70000:int4):bool, #6=in(#1:=integer; 70000:int4)) => ?column? bool#4, ?column? bool#5, ?column? bool#6";
