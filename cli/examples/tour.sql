-- A tour of SPG on real data: run it from the repository's root with
--   cargo run --release --bin spg -- --memory shell < cli/examples/tour.sql
\import packages cli/examples/data/packages.csv.gz --create
\import depends cli/examples/data/depends.csv.gz --create
\import tags cli/examples/data/tags.csv.gz --create
\import digits cli/examples/data/digits.csv.gz --create

CREATE UNIQUE INDEX packages_key ON packages (id);
CREATE INDEX depends_target ON depends (target_id);
CREATE INDEX tags_package ON tags (package_id);

-- The ten packages that most others depend on.
SELECT p.name, count(DISTINCT d.package_id) AS dependents
FROM depends d JOIN packages p ON p.id = d.target_id
WHERE d.kind = 'depends'
GROUP BY p.name ORDER BY dependents DESC, p.name LIMIT 10;

-- Installed size by section, in MiB.
SELECT section, count(*) AS packages, sum(installed_kib) / 1024 AS installed_mib
FROM packages GROUP BY section ORDER BY installed_mib DESC NULLS LAST, section LIMIT 10;

-- Packages without a tag.
SELECT count(*) AS untagged
FROM packages p LEFT JOIN tags t ON t.package_id = p.id
WHERE t.package_id IS NULL;

-- The digits nearest to digit 700, and how many of the nearest fifty share its label.
SELECT id, label, pixels <-> (SELECT pixels FROM digits WHERE id = 700) AS distance
FROM digits WHERE id <> 700
ORDER BY pixels <-> (SELECT pixels FROM digits WHERE id = 700) LIMIT 5;

SELECT count(*) AS same_label FROM (
  SELECT label FROM digits WHERE id <> 700
  ORDER BY pixels <-> (SELECT pixels FROM digits WHERE id = 700) LIMIT 50
) AS nearest
WHERE label = (SELECT label FROM digits WHERE id = 700);

-- How the nearest neighbours are found.
EXPLAIN SELECT id FROM digits WHERE label = 4
ORDER BY pixels <-> (SELECT pixels FROM digits WHERE id = 700) LIMIT 5;

-- A transaction that fails half way leaves nothing behind.
BEGIN;
UPDATE packages SET priority = 'required' WHERE section = 'games';
INSERT INTO packages (id, name) VALUES (1000000, 'spg'), (1000000, 'spg');
COMMIT;
SELECT count(*) AS spg_packages FROM packages WHERE name = 'spg';
