SELECT CASE WHEN a BETWEEN 1 AND 3 THEN 'in' ELSE upper(c) || '!' END, coalesce(b, -1) % 2, -2 ^ 2, NOT d, c LIKE 'x%' ESCAPE '#', CAST(f AS INT)::TEXT FROM t0;
SELECT substring('postgres' FROM 2 FOR 3), position('g' IN 'spg'), trim(BOTH 'x' FROM 'xax'), greatest(1, NULL, 2.5), power(2, 10), E'\x41\n', $a$b$a$, 1e308 * 10
