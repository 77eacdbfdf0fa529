INSERT INTO t0 (id, c) VALUES (3, 'new'), (4, DEFAULT) RETURNING id, a;
UPDATE t0 SET a = a + id, c = lower(c) WHERE id >= 2 RETURNING *;
INSERT INTO t1 SELECT id + 10, a, b, c, d, f FROM t0;
DELETE FROM t1 WHERE id > 11 RETURNING id; TRUNCATE t1; SELECT count(*) FROM t1
