SELECT id, e <-> [1, 2, 3] AS d, e <=> '[1,0,0]', e <#> e, e <+> [0.5, -1, 2e3] FROM v ORDER BY d LIMIT 1;
UPDATE v SET e = NULL WHERE n = 'one'; SELECT n FROM v ORDER BY e <-> [0, 0, 0], id
