//! Rows in bulk, in and out.

use spg_wire::client::CopySource;
use spg_wire::{Opcode, TransactionStatus};

use crate::support::{Daemon, number, wait_until};

const TABLE: &str = "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(5), x DOUBLE PRECISION DEFAULT 1.5, v VECTOR(2))";

#[test]
fn rows_go_in_and_come_out() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.client();
    client.batch_execute(TABLE).unwrap();
    let mut rows = client.copy_in("t", &["name", "id", "v"]).unwrap();
    assert_eq!(rows.columns()[0].type_modifier, 9);
    for id in 0..5_000 {
        let name = (id % 3 != 0).then(|| format!("n{}", id % 100));
        rows.write_row(&[&name, &id, &vec![0.5_f32, id as f32]]).unwrap();
    }
    assert_eq!(rows.finish().unwrap(), 5_000);
    assert_eq!(number(&mut client, "SELECT count(*) FROM t WHERE x = 1.5"), 5_000);
    assert_eq!(number(&mut client, "SELECT count(*) FROM t WHERE name IS NULL"), 1_667);

    let mut rows = client.copy_out(CopySource::Table("t")).unwrap();
    let mut count = 0;
    while let Some(row) = rows.next_row().unwrap() {
        assert_eq!(row.try_get::<i32>("id").unwrap(), count);
        assert_eq!(row.try_get::<Vec<f32>>("v").unwrap(), [0.5, count as f32]);
        count += 1;
    }
    assert_eq!(count, 5_000);
    drop(rows);
    let query = CopySource::Query("SELECT id FROM t WHERE id < 10 ORDER BY id DESC");
    let mut rows = client.copy_out(query).unwrap();
    assert_eq!(rows.next_row().unwrap().unwrap().try_get::<i32>(0).unwrap(), 9);
    drop(rows);
    for source in
        [CopySource::Query("DELETE FROM t"), CopySource::Query("SELECT $1"), CopySource::Table("T")]
    {
        let error = client.copy_out(source).unwrap_err();
        assert!(["0A000", "42P02", "42P01"].contains(&error.code().as_str()), "{error:?}");
    }
    assert_eq!(number(&mut client, "SELECT count(*) FROM t"), 5_000);
}

#[test]
fn a_copy_is_seen_while_it_runs_and_counted_when_it_has() {
    let daemon = Daemon::start(&[]);
    let (mut client, mut observer) = (daemon.client(), daemon.client());
    client.batch_execute("CREATE TABLE t (id INT)").unwrap();
    let mut rows = client.copy_in("t", &["id"]).unwrap();
    rows.write_row(&[&1]).unwrap();
    let running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND xact_start IS NOT NULL \
                   AND query = 'COPY \"t\" (\"id\") FROM STDIN'";
    wait_until("it is seen", || number(&mut observer, running) == 1);
    assert_eq!(rows.finish().unwrap(), 1);
    let counted = "SELECT rows FROM spg_stat_statements WHERE query LIKE 'COPY%'";
    assert_eq!(number(&mut observer, counted), 1);
}

#[test]
fn errors_name_row_and_column_and_load_nothing() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.client();
    client.batch_execute(TABLE).unwrap();
    let mut load = |last: (Option<i32>, &str, &[f32])| {
        let mut rows = client.copy_in("t", &["id", "name", "v"]).unwrap();
        for id in 0..1_500 {
            rows.write_row(&[&id, &"ok", &vec![1.0_f32, 2.0]]).unwrap();
        }
        let (id, name, v) = last;
        rows.write_row(&[&id, &name, &v.to_vec()]).unwrap();
        let error = rows.finish().unwrap_err();
        assert_eq!(number(&mut client, "SELECT count(*) FROM t"), 0);
        let fields = error.as_db().unwrap().clone();
        (fields.code().to_owned(), fields.context.unwrap())
    };
    let good = &[1.0, 2.0][..];
    let (code, context) = load((Some(-1), "too long", good));
    assert_eq!((code.as_str(), context.as_str()), ("22001", "COPY t, row 1501, column name"));
    let (code, context) = load((Some(-1), "x", &[1.0]));
    assert_eq!((code.as_str(), context.as_str()), ("22000", "COPY t, row 1501, column v"));
    let (code, context) = load((Some(-1), "x", &[f32::NAN, 1.0]));
    assert_eq!((code.as_str(), context.as_str()), ("22000", "COPY t, row 1501, column v"));
    let (code, context) = load((None, "x", good));
    assert_eq!((code.as_str(), context.as_str()), ("23502", "COPY t, row 1501"));
    let (code, _) = load((Some(7), "x", good));
    assert_eq!(code, "23505");
}

#[test]
fn a_copy_is_part_of_its_block() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.client();
    client.batch_execute("CREATE TABLE t (id INT); BEGIN").unwrap();
    let mut rows = client.copy_in("t", &[]).unwrap();
    rows.write_row(&[&1]).unwrap();
    assert_eq!(rows.finish().unwrap(), 1);
    assert_eq!(number(&mut client, "SELECT count(*) FROM t"), 1);
    assert_eq!(number(&mut daemon.client(), "SELECT count(*) FROM t"), 0);
    let mut rows = client.copy_in("t", &[]).unwrap();
    rows.write_row(&[&2]).unwrap();
    rows.abort("no more").unwrap();
    assert_eq!(client.transaction_status(), TransactionStatus::Failed);
    client.batch_execute("ROLLBACK").unwrap();
    assert_eq!(number(&mut client, "SELECT count(*) FROM t"), 0);
    assert_eq!(client.copy_in("t", &["id", "id"]).unwrap().finish().unwrap_err().code(), "42701");
}

#[test]
fn rows_may_be_cut_into_frames_anyhow() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.client();
    client.batch_execute("CREATE TABLE t (id INT, name TEXT)").unwrap();
    let mut raw = daemon.raw().greeted();
    let mut request = Vec::new();
    spg_wire::message::client::copy_in(&mut request, "t", &[]).unwrap();
    raw.send(&request);
    raw.expect(Opcode::CopyInReady);
    let row = |id: i32, name: &str| {
        let mut row = Vec::new();
        let mut writer = spg_wire::RowWriter::bare(&mut row);
        writer.push_i32(id);
        writer.push_text(name);
        writer.finish().unwrap();
        row
    };
    let copy_data = |rows: &[Vec<u8>]| {
        let count = (rows.len() as u32).to_le_bytes();
        crate::support::frame(Opcode::CopyData as u8, &[&count[..], &rows.concat()].concat())
    };
    raw.send(&copy_data(&[]));
    raw.send(&copy_data(&[row(1, "one")]));
    raw.send(&copy_data(&[]));
    let many: Vec<Vec<u8>> = (0..3_000).map(|id| row(id, "many")).collect();
    for piece in copy_data(&many).chunks(1_000) {
        raw.send(piece);
    }
    // Larger than a batch, by its bytes.
    let large = "x".repeat(3 << 20);
    raw.send(&copy_data(&[row(2, &large), row(3, &large), row(4, "")]));
    raw.send(&crate::support::frame(Opcode::CopyDone as u8, &[]));
    raw.send(&crate::support::frame(Opcode::Sync as u8, &[]));
    raw.expect(Opcode::CommandComplete);
    raw.expect(Opcode::Ready);
    assert_eq!(number(&mut client, "SELECT count(*) FROM t"), 3_004);
    assert_eq!(number(&mut client, "SELECT sum(length(name)) FROM t WHERE id = 3"), (3 << 20) + 4);

    // Another number of values than columns.
    raw.send(&request);
    raw.expect(Opcode::CopyInReady);
    raw.send(&crate::support::frame(
        Opcode::CopyData as u8,
        &[1, 0, 0, 0, 1, 0, 255, 255, 255, 255],
    ));
    let fields = raw.error();
    assert_eq!(
        (fields.code(), fields.message.as_str()),
        ("08P01", "row of 1 values for 2 columns")
    );
    raw.send(&crate::support::frame(Opcode::Sync as u8, &[]));
    raw.expect(Opcode::Ready);
}
