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
