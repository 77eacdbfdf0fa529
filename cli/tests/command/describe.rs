//! `\d`: what it lists below the columns is what psql lists.

use crate::support::spg_both;

const SCRIPT: &str = r#"
CREATE TABLE "My team" (id INT PRIMARY KEY, boss INT REFERENCES "My team" ON DELETE SET NULL, CHECK (id > 0));
CREATE TABLE player (id INT, team INT, no SMALLINT UNIQUE, FOREIGN KEY (team) REFERENCES "My team" ON UPDATE CASCADE);
\d "My team"
\d player
"#;

/// As psql 15 writes it.
const TEAM: &str = r#"
Indexes:
    "My team_pkey" PRIMARY KEY, btree (id)
Check constraints:
    "My team_id_check" CHECK (id > 0)
Foreign-key constraints:
    "My team_boss_fkey" FOREIGN KEY (boss) REFERENCES "My team"(id) ON DELETE SET NULL
Referenced by:
    TABLE ""My team"" CONSTRAINT "My team_boss_fkey" FOREIGN KEY (boss) REFERENCES "My team"(id) ON DELETE SET NULL
    TABLE "player" CONSTRAINT "player_team_fkey" FOREIGN KEY (team) REFERENCES "My team"(id) ON UPDATE CASCADE
"#;

const PLAYER: &str = r#"
Indexes:
    "player_no_key" UNIQUE CONSTRAINT, btree (no)
Foreign-key constraints:
    "player_team_fkey" FOREIGN KEY (team) REFERENCES "My team"(id) ON UPDATE CASCADE
"#;

#[test]
fn a_table_is_described_with_what_refers_to_it() {
    let arguments = ["--memory", "--format", "table", "shell"];
    let run = spg_both(&std::env::temp_dir(), &arguments, SCRIPT);
    assert_eq!((run.status, run.err.as_str()), (0, ""), "{}", run.out);
    let (_, described) = run.out.split_once("Table \"public.My team\"").unwrap();
    let (team, player) = described.split_once("Table \"public.player\"").unwrap();
    for (shown, expected) in [(team, TEAM), (player, PLAYER)] {
        let (_, footer) = shown.split_once("\nIndexes:").unwrap();
        let (_, expected) = expected.split_once("\nIndexes:").unwrap();
        assert_eq!(footer.trim_end(), expected.trim_end(), "{shown}");
    }
}

/// The first words of what `\d` and its kin say about a pattern.
#[test]
fn patterns_choose_what_is_described() {
    let tables = "CREATE TABLE tea (id SERIAL PRIMARY KEY); CREATE TABLE team (id INT); CREATE TABLE \"Tea\" (id INT);\n";
    let run = |command: &str| {
        let arguments = ["--memory", "--format", "table", "shell"];
        spg_both(&std::env::temp_dir(), &arguments, &format!("{tables}{command}\n"))
    };
    let names = |out: &str| -> Vec<String> {
        let lines = out.lines().filter_map(|line| line.strip_prefix(" public | "));
        lines.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
    };
    assert_eq!(names(&run("\\dt").out), ["Tea", "tea", "team"]);
    assert_eq!(names(&run("\\dt+ TE*;").out), ["tea", "team"]);
    assert_eq!(names(&run("\\dt te?").out), ["tea"]);
    assert_eq!(names(&run("\\di tea*").out), ["tea_pkey"]);
    assert_eq!(names(&run("\\ds").out), ["tea_id_seq"]);
    let views = run("\\dv pg_catalog.spg_stat*").out;
    assert!(views.contains("List of views") && views.contains("spg_stat_statements"), "{views}");
    let described = run("\\d+ \"T\"*;").out;
    assert!(
        described.contains("Table \"public.Tea\"") && !described.contains("tea"),
        "{described}"
    );
    let described = run("\\d tea*").out;
    for title in ["Table \"public.tea\"", "Table \"public.team\"", "Index \"public.tea_pkey\""] {
        assert!(described.contains(title), "{title}: {described}");
    }
    for command in ["\\d \"Teas\"", "\\d public.\"Teas\"", "\\d Teas*"] {
        let run = run(command);
        assert!(run.err.starts_with("ERROR:  Did not find any relation named \""), "{run:?}");
        assert!(!run.err.contains("\"\""), "{run:?}");
    }
}
