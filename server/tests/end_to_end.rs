//! The daemon, asked by the Rust client, every kind of message.

mod daemon;

use daemon::Daemon;
use spg_wire::client::Client;

#[test]
fn statements_simple_and_prepared() {
    let daemon = Daemon::start(&[]);
    let mut client = Client::connect(daemon.address()).unwrap();
    client.batch_execute("CREATE TABLE t (id INT PRIMARY KEY, name TEXT)").unwrap();
    assert_eq!(client.execute("INSERT INTO t VALUES ($1, $2)", &[&1_i32, &"alice"]).unwrap(), 1);
    let row = client.query_one("SELECT name FROM t WHERE id = $1", &[&1_i32]).unwrap();
    assert_eq!(row.get::<&str>("name"), "alice");
    client.ping(7).unwrap();
}
